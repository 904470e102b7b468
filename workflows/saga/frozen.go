package saga

import (
	"fmt"
	"strings"

	"lockstep/config"
)

// Frozen is a field of the environment file that names what was made or looked at: in an environment where it differs, Undo would look
// elsewhere.
type Frozen struct {
	Path string
	Of   func(config.Environment) any
}

// Differences says which of the fields differ between two environments, so that the second cannot take the place of the first; nothing if
// none does.
func Differences(before, after config.Environment, fields []Frozen) string {
	var found []string
	seen := map[string]bool{} // several steps may have used a field
	for _, field := range fields {
		old, now := text(field.Of(before)), text(field.Of(after))
		if old == now || seen[field.Path] {
			continue
		}
		seen[field.Path] = true
		found = append(found, fmt.Sprintf("%s: this run has used %s already, so it cannot become %s", field.Path, old, now))
	}
	if len(found) == 0 {
		return ""
	}
	return strings.Join(append(found, "leave them as they are, or roll back and deploy the changed file"), "\n")
}

// text is a value as a person reads it.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprintf("%+v", v) // maps with sorted keys
	}
}
