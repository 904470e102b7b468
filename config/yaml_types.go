package config

import (
	"encoding"
	"fmt"
	"lockstep/config/spelling"
	"maps"
	"reflect"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// scalar complains unless the node is of the type that is wanted. Text is never made out of a number or a switch:
// the version 7.10 would become 7.1.
func (w *yamlWalk) scalar(node *yamlv3.Node, path string, want reflect.Type) {
	name, tag, next := yamlType(want)
	if node.Kind == yamlv3.ScalarNode && node.Tag == tag {
		w.text(node, path, want)
		return
	}
	w.mistyped = true
	if node.Kind == yamlv3.ScalarNode && tag == "!!str" {
		next = fmt.Sprintf("write it in quotes: %q", node.Value)
	}
	value := ""
	if node.Kind == yamlv3.ScalarNode {
		value = node.Value
	}
	w.problem(node, path, value, fmt.Sprintf("is %s where %s is wanted", nodeName(node), name), next)
}

// text checks what a type with a notation of its own reads, as [Duration].
func (w *yamlWalk) text(node *yamlv3.Node, path string, want reflect.Type) {
	own, ok := reflect.New(want).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return
	}
	if err := own.UnmarshalText([]byte(node.Value)); err != nil {
		w.mistyped = true
		w.problem(node, path, node.Value, "is no duration", `write it as "90s", "5m" or "1h30m"`)
	}
}

func yamlType(want reflect.Type) (name, tag, next string) {
	switch {
	case want == reflect.TypeFor[Duration]():
		return "a duration", "!!str", `write it as "5m"`
	case want.Kind() == reflect.String:
		return "text", "!!str", "write text"
	case want.Kind() == reflect.Bool:
		return "true or false", "!!bool", "write true or false"
	case want.Kind() == reflect.Int:
		return "a whole number", "!!int", "write a whole number, without quotes"
	case want.Kind() == reflect.Slice:
		return "a list", "!!seq", "begin each entry with a dash"
	}
	return "a mapping", "!!map", "indent its keys under it: " + strings.Join(keys(want), ", ")
}

func nodeName(node *yamlv3.Node) string {
	switch node.Tag {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!str":
		return "text"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	}
	return "of another type"
}

// jsonFields are the fields of a struct by JSON name.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Type
	}
	return fields
}

func keys(of reflect.Type) []string {
	if of.Kind() != reflect.Struct {
		return nil
	}
	return slices.Sorted(maps.Keys(jsonFields(of)))
}

// meant names the key that was probably meant: one spelled alike, one of the same name a level deeper, or else all
// that there are.
func meant(key, path string, in reflect.Type) string {
	names := keys(in)
	if name := spelling.Closest(key, names); name != "" {
		return fmt.Sprintf("did you mean %s?", join(path, name))
	}
	fields := jsonFields(in)
	for _, name := range names {
		if slices.Contains(keys(fields[name]), key) {
			return fmt.Sprintf("did you mean %s?", join(join(path, name), key))
		}
	}
	return "remove it, or write one of " + strings.Join(names, ", ")
}
