package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values are chart values. Keys keep their case and whole numbers stay whole numbers (int64) through JSON, so that a
// template prints 1000000 and not 1e+06.
type Values map[string]any

// UnmarshalJSON reads an object, with whole numbers as int64 and the others as float64.
func (v *Values) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var raw map[string]any
	if err := decoder.Decode(&raw); err != nil {
		return fmt.Errorf("reading values: %w", err)
	}
	for key, value := range raw {
		var err error
		if raw[key], err = wholeNumbers(value); err != nil {
			return fmt.Errorf("reading values: %w", err)
		}
	}
	*v = raw
	return nil
}

func wholeNumbers(value any) (_ any, err error) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if value[key], err = wholeNumbers(inner); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, inner := range value {
			if value[i], err = wholeNumbers(inner); err != nil {
				return nil, err
			}
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole, nil
		}
		fraction, err := value.Float64()
		if err != nil {
			return nil, fmt.Errorf("number %s is too large for any program", value)
		}
		return fraction, nil
	}
	return value, nil
}

// MergeValues puts over onto base, map by map, as Helm merges several values files: lists and scalars replace, and a
// null stays (it deletes the chart's default). Neither argument is changed.
func MergeValues(base, over map[string]any) map[string]any {
	merged := make(map[string]any, len(base)+len(over))
	for key, value := range base {
		merged[key] = value
	}
	for key, value := range over {
		below, isMap := merged[key].(map[string]any)
		above, alsoMap := value.(map[string]any)
		if isMap && alsoMap {
			value = MergeValues(below, above)
		}
		merged[key] = value
	}
	return merged
}

// Lookup is the value at a dotted path, and whether there is one.
func (v Values) Lookup(path string) (any, bool) {
	var value any = map[string]any(v)
	for key := range strings.SplitSeq(path, ".") {
		inner, isMap := value.(map[string]any)
		if !isMap {
			return nil, false
		}
		if value, isMap = inner[key]; !isMap {
			return nil, false
		}
	}
	return value, true
}

// NotMap is the path of what stands, null or not, where a map on the way to a dotted path is wanted; empty if nothing
// does.
func (v Values) NotMap(path string) string {
	for i, c := range path {
		if c != '.' {
			continue
		}
		value, given := v.Lookup(path[:i])
		if _, isMap := value.(map[string]any); given && !isMap {
			return path[:i]
		}
	}
	return ""
}

// Text is the value at a dotted path as text, empty if there is none.
func (v Values) Text(path string) string {
	value, found := v.Lookup(path)
	if !found || value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// IsTrue says whether the value at a dotted path is true.
func (v Values) IsTrue(path string) bool { return v.Text(path) == "true" }

// Leaves yields every scalar with its path, in order of keys.
func (v Values) Leaves(yield func(path string, value any) bool) {
	walk("", map[string]any(v), yield)
}

func walk(path string, value any, yield func(string, any) bool) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if !walk(JoinPath(path, key), value[key], yield) {
				return false
			}
		}
	case []any:
		for i, item := range value {
			if !walk(fmt.Sprintf("%s[%d]", path, i), item, yield) {
				return false
			}
		}
	default:
		return yield(path, value)
	}
	return true
}
