package apim

import (
	"maps"
	"slices"

	"lockstep/internal/drift"
)

// Differences are the fields of [Differs], with what is in them.
func Differences(stored, wanted KeyManager) []drift.Item {
	return differences("", stored, normal(wanted).(map[string]any))
}

func differences(path string, stored, wanted map[string]any) (found []drift.Item) {
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if covers(stored[key], wanted[key]) {
			continue
		}
		is, isMap := stored[key].(map[string]any)
		if want, both := wanted[key].(map[string]any); isMap && both {
			found = append(found, differences(path+key+".", is, want)...)
			continue
		}
		items := drift.Fields(map[string]any{key: stored[key]}, map[string]any{key: wanted[key]})
		if len(items) == 0 {
			items = []drift.Item{{Field: key, Wants: "as the file says", Is: "another"}}
		}
		for _, item := range items {
			item.Field = path + item.Field
			found = append(found, item)
		}
	}
	return found
}
