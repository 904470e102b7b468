package environments

import (
	"encoding/json"
	"fmt"

	"lockstep/config"
	"lockstep/config/strictyaml"
)

// patched is an environment with a JSON merge patch on it, as JSON.
func patched(text []byte, overrides config.Values) ([]byte, error) {
	var whole config.Values
	asJSON, err := strictyaml.ToJSON(text)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(asJSON, &whole); err != nil {
		return nil, config.Problems{{Path: "YAML", Message: err.Error(), Next: "correct the file"}}
	}
	patched, err := json.Marshal(mergePatch(whole, overrides))
	if err != nil {
		return nil, fmt.Errorf("putting overrides onto the environment: %w", err)
	}
	return patched, nil
}

// mergePatch is RFC 7396: maps are merged, null removes, all else replaces.
func mergePatch(base, patch map[string]any) map[string]any {
	merged := make(map[string]any, len(base)+len(patch))
	for key, value := range base {
		merged[key] = value
	}
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(merged, key)
		case map[string]any:
			below, _ := merged[key].(map[string]any)
			merged[key] = mergePatch(below, value)
		default:
			merged[key] = value
		}
	}
	return merged
}
