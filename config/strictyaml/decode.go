// Package strictyaml reads a YAML file that a person wrote, and says all that is wrong with it: unknown keys, keys given twice and
// values of the wrong type, each with its line.
package strictyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"

	"lockstep/config"
)

// Decode reads one YAML document into target by its JSON names and returns the line of each path. It reports
// every key that target does not know, every key given twice and every value of the wrong type. lines is nil if the
// document could not be decoded at all. what says what the document is, as "an environment".
//
// The document is looked at with yaml.v3, which knows lines, but converted with sigs.k8s.io/yaml, as Helm and kubectl
// do: so "on" or 0407 in values means here what it means in a values file.
func Decode(data []byte, target any, what string) (lines map[string]int, found config.Problems) {
	root, found := parse(data)
	if root == nil {
		return nil, found
	}
	w := walk{what: what, lines: map[string]int{}}
	w.node(root, "", reflect.TypeOf(target).Elem())
	if w.mistyped {
		return nil, w.found
	}
	asJSON, err := yaml.YAMLToJSON(data)
	if err == nil {
		err = json.Unmarshal(asJSON, target)
	}
	if err != nil && len(w.found) == 0 {
		w.problem(root, "", "", "cannot be read: "+err.Error(), "correct the file")
	}
	if err != nil {
		return nil, w.found
	}
	return w.lines, w.found
}

// ToJSON is the only document as JSON. It refuses what no target could be read from, as a key given twice.
func ToJSON(data []byte) ([]byte, error) {
	if _, found := parse(data); len(found) > 0 {
		return nil, found
	}
	asJSON, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, config.Problems{{Path: "YAML", Message: err.Error(), Next: "correct the file"}}
	}
	return asJSON, nil
}

// parse is the root node of the only document. A document without content is an empty mapping.
func parse(data []byte) (*yamlv3.Node, config.Problems) {
	if len(data) > maxSize {
		return nil, config.Problems{{Path: "YAML", Message: fmt.Sprintf("has %d KiB, which is more than Temporal and Helm take", len(data)>>10),
			Next: fmt.Sprintf("shorten it to less than %d KiB", maxSize>>10)}}
	}
	decoder := yamlv3.NewDecoder(bytes.NewReader(data))
	var document, another yamlv3.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return &yamlv3.Node{Kind: yamlv3.MappingNode, Tag: "!!map", Line: 1}, nil
	}
	if err != nil {
		return nil, config.Problems{{Path: "YAML", Message: err.Error(), Next: "correct the YAML there"}}
	}
	if err := decoder.Decode(&another); !errors.Is(err, io.EOF) {
		return nil, config.Problems{{Path: "YAML", Line: another.Line, Message: "a second document begins after ---",
			Next: "keep one document in the file"}}
	}
	if found := tooMuch(document.Content[0]); len(found) > 0 {
		return nil, found
	}
	return document.Content[0], nil
}

// walk compares a document with the Go type it is for.
type walk struct {
	what     string
	lines    map[string]int
	found    config.Problems
	mistyped bool
}

func (w *walk) problem(node *yamlv3.Node, path, value, message, next string) {
	if path == "" {
		path = "YAML"
	}
	w.found = append(w.found, config.Problem{Path: path, Line: node.Line, Value: value, Message: message, Next: next})
}

func (w *walk) node(node *yamlv3.Node, path string, want reflect.Type) {
	if node.Kind == yamlv3.AliasNode {
		node = node.Alias
	}
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	if _, seen := w.lines[path]; !seen {
		w.lines[path] = node.Line
	}
	if node.Tag == "!!null" {
		return // as if it were left out
	}
	switch {
	case want.Kind() == reflect.Struct && node.Kind == yamlv3.MappingNode:
		w.object(node, path, want)
	case want.Kind() == reflect.Map && node.Kind == yamlv3.MappingNode:
		w.entriesOf(node, path, want.Elem())
	case want.Kind() == reflect.Slice && len(node.Content) > maxItems:
		w.mistyped = true
		w.problem(node, path, "", fmt.Sprintf("has %d entries, more than %d", len(node.Content), maxItems), "write fewer")
	case want.Kind() == reflect.Slice && node.Kind == yamlv3.SequenceNode:
		for i, item := range node.Content {
			w.node(item, fmt.Sprintf("%s[%d]", path, i), want.Elem())
		}
	default:
		w.scalar(node, path, want)
	}
}

// object checks the keys of a struct.
func (w *walk) object(node *yamlv3.Node, path string, want reflect.Type) {
	fields := jsonFields(want)
	for key, value := range w.entries(node, path) {
		if key.Tag == "!!merge" {
			w.node(value, path, want)
			continue
		}
		field, known := fields[key.Value]
		if !known {
			w.unknown(key, path, want)
			continue
		}
		w.lines[config.JoinPath(path, key.Value)] = key.Line
		w.node(value, config.JoinPath(path, key.Value), field)
	}
}

// entriesOf looks through a mapping whose keys are free.
func (w *walk) entriesOf(node *yamlv3.Node, path string, want reflect.Type) {
	if want.Kind() == reflect.Interface {
		w.free(node, path)
		return
	}
	for key, value := range w.entries(node, path) {
		w.node(value, config.JoinPath(path, key.Value), want)
	}
}

// free looks through chart values for keys given twice; any key is allowed.
func (w *walk) free(node *yamlv3.Node, path string) {
	switch node.Kind {
	case yamlv3.MappingNode:
		for key, value := range w.entries(node, path) {
			w.lines[config.JoinPath(path, key.Value)] = key.Line
			w.free(value, config.JoinPath(path, key.Value))
		}
	case yamlv3.SequenceNode:
		for i, item := range node.Content {
			w.free(item, fmt.Sprintf("%s[%d]", path, i))
		}
	}
}

// entries yields the keys and values of a mapping, without those given before.
func (w *walk) entries(node *yamlv3.Node, path string) func(yield func(key, value *yamlv3.Node) bool) {
	return func(yield func(key, value *yamlv3.Node) bool) {
		first := map[string]int{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if line, twice := first[key.Value]; twice {
				w.mistyped = true // which of the two is meant is unknown
				w.problem(key, config.JoinPath(path, key.Value), "", fmt.Sprintf("is given twice, first in line %d", line),
					"keep one of the two")
				continue
			}
			first[key.Value] = key.Line
			if !yield(key, node.Content[i+1]) {
				return
			}
		}
	}
}
