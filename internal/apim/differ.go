package apim

import (
	"encoding/json"
	"reflect"
	"slices"
)

// Differs lists the fields in which a stored key manager is not what is wanted. Masked secrets cannot be compared and count as
// equal, lists in another order too, and what the server adds of its own does not matter. Nothing and empty are the same to it.
func Differs(stored, wanted KeyManager) []string {
	var fields []string
	for key, value := range wanted {
		if !covers(stored[key], normal(value)) {
			fields = append(fields, key)
		}
	}
	slices.Sort(fields)
	return fields
}

// covers says whether stored has all that is wanted. Both are decoded JSON.
func covers(stored, wanted any) bool {
	if stored == Masked || isEmpty(stored) && isEmpty(wanted) {
		return true
	}
	switch w := wanted.(type) {
	case map[string]any:
		s, ok := stored.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range w {
			if !covers(s[key], value) {
				return false
			}
		}
		return true
	case []any:
		s, ok := stored.([]any)
		return ok && sameElements(s, w)
	default:
		return reflect.DeepEqual(stored, wanted)
	}
}

// sameElements pairs each wanted element with one that covers it; elements may be objects, as the server adds fields to them too.
func sameElements(stored, wanted []any) bool {
	left := slices.Clone(stored)
	for _, w := range wanted {
		i := slices.IndexFunc(left, func(s any) bool { return covers(s, w) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}

// isEmpty is true for what the server leaves out of an answer or gives as null. A switch that is off is not empty: some are on
// by default.
func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// normal gives value the types that decoded JSON has.
func normal(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var decoded any
	_ = json.Unmarshal(text, &decoded)
	return decoded
}
