package strictyaml

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"

	"lockstep/config"
	"lockstep/config/spelling"
)

// scalar complains unless the node is of the type that is wanted. Text is never made out of a number or a switch:
// the version 7.10 would become 7.1.
func (w *walk) scalar(node *yamlv3.Node, path string, want reflect.Type) {
	name, tag, next := typeOf(want)
	if node.Kind == yamlv3.ScalarNode && node.Tag == tag {
		w.text(node, path, want)
		return
	}
	w.mistyped = true
	if node.Kind == yamlv3.ScalarNode && want.Kind() == reflect.String {
		next = fmt.Sprintf("write it in quotes: %q", node.Value)
	}
	value := ""
	if node.Kind == yamlv3.ScalarNode {
		value = node.Value
	}
	w.problem(node, path, value, fmt.Sprintf("is %s, but must be %s", nodeName(node), name), next)
}

// Notation is a type that is written as text of its own notation, as a duration is.
type Notation interface {
	encoding.TextUnmarshaler
	// Notation is what the text is, with its article, and how to write it.
	Notation() (noun, next string)
}

// notation is nil unless the type has one.
func notation(of reflect.Type) Notation {
	own, _ := reflect.New(of).Interface().(Notation)
	return own
}

// text checks what a type with a notation of its own reads.
func (w *walk) text(node *yamlv3.Node, path string, want reflect.Type) {
	own := notation(want)
	if own == nil {
		return
	}
	if err := own.UnmarshalText([]byte(node.Value)); err != nil {
		w.mistyped = true
		noun, next := own.Notation()
		w.problem(node, path, node.Value, "is not "+noun, next)
	}
}

func typeOf(want reflect.Type) (name, tag, next string) {
	if own := notation(want); own != nil {
		noun, next := own.Notation()
		return noun, "!!str", next
	}
	switch {
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
	return "something else"
}

// Elsewhere is a type that knows where keys belong that are none of its fields.
type Elsewhere interface {
	// Elsewhere says it of one key, or nothing.
	Elsewhere(key string) (message, next string)
}

// maxMeant is for how many keys it is looked what was meant.
const maxMeant = 100

// unknown complains of a key that is no field.
func (w *walk) unknown(key *yamlv3.Node, path string, in reflect.Type) {
	message, next := "is not a field of "+w.what, "remove it"
	if len(w.found) < maxMeant {
		next = meant(key.Value, path, in)
	}
	if knows, does := reflect.Zero(in).Interface().(Elsewhere); does {
		if says, instead := knows.Elsewhere(key.Value); says != "" {
			message, next = says, instead
		}
	}
	w.problem(key, config.JoinPath(path, key.Value), "", message, next)
}

// jsonFields are the fields of a struct by JSON name.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range of.Fields() {
		if field.Tag.Get("owner") != "" {
			continue // no file says it
		}
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
		return fmt.Sprintf("did you mean %s?", config.JoinPath(path, name))
	}
	fields := jsonFields(in)
	for _, name := range names {
		if slices.Contains(keys(fields[name]), key) {
			return fmt.Sprintf("did you mean %s?", config.JoinPath(config.JoinPath(path, name), key))
		}
	}
	return "remove it, or write one of " + strings.Join(names, ", ")
}
