package carbon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Kind is the JSON type of a field.
type Kind string

// Kinds of JSON values.
const (
	Text    Kind = "string"
	Flag    Kind = "boolean"
	Integer Kind = "integer"
	List    Kind = "array"
	Object  Kind = "object"
)

// A Field is what an API's specification says of one property.
type Field struct {
	Kind     Kind
	Required bool
	Min, Max int // length of a Text; 0 is no limit
	Enum     []string
	Pattern  *regexp.Regexp
	Items    *Field // of a List; nil is anything
	Fields   Shape  // of an Object; nil is anything
}

// A Shape is the properties of an object. Any other property is refused.
type Shape map[string]Field

const maxBody = 1 << 20

// Decode reads a JSON object that has the shape into value, or says everything that is wrong with it.
func Decode(body io.Reader, shape Shape, value any) error {
	return decode(body, Field{Kind: Object, Fields: shape}, value)
}

// DecodeList reads a JSON array whose elements have the shape into value.
func DecodeList(body io.Reader, shape Shape, value any) error {
	return decode(body, Field{Kind: List, Items: &Field{Kind: Object, Fields: shape}}, value)
}

func decode(body io.Reader, field Field, value any) error {
	data, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return fmt.Errorf("reading body: %w", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var parsed any
	if err := decoder.Decode(&parsed); err != nil {
		return fmt.Errorf("body is not JSON: %w", err)
	}
	if err := field.check("body", parsed); err != nil {
		return err
	}
	return json.Unmarshal(data, value)
}

func (f Field) check(path string, value any) error {
	switch value := value.(type) {
	case string:
		return f.checkText(path, value)
	case bool:
		return f.checkKind(path, Flag)
	case json.Number:
		if _, err := value.Int64(); err != nil {
			return fmt.Errorf("%s: %s is not an integer", path, value)
		}
		return f.checkKind(path, Integer)
	case []any:
		return f.checkList(path, value)
	case map[string]any:
		return f.checkObject(path, value)
	}
	if f.Required {
		return fmt.Errorf("%s: must not be null", path)
	}
	return nil
}

func (f Field) checkKind(path string, kind Kind) error {
	if f.Kind != kind {
		return fmt.Errorf("%s: must be %s, not %s", path, f.Kind, kind)
	}
	return nil
}

func (f Field) checkText(path, value string) error {
	switch {
	case f.Kind != Text:
		return f.checkKind(path, Text)
	case len(value) < f.Min, f.Max > 0 && len(value) > f.Max:
		return fmt.Errorf("%s: size must be between %d and %d", path, f.Min, f.Max)
	case f.Enum != nil && !slices.Contains(f.Enum, value):
		return fmt.Errorf("%s: %q is not one of %s", path, value, strings.Join(f.Enum, ", "))
	case f.Pattern != nil && !f.Pattern.MatchString(value):
		return fmt.Errorf("%s: must match %s", path, f.Pattern)
	}
	return nil
}

func (f Field) checkList(path string, list []any) error {
	if f.Kind != List || f.Items == nil {
		return f.checkKind(path, List)
	}
	var problems []error
	for i, element := range list {
		problems = append(problems, f.Items.check(fmt.Sprintf("%s[%d]", path, i), element))
	}
	return errors.Join(problems...)
}

func (f Field) checkObject(path string, object map[string]any) error {
	if f.Kind != Object || f.Fields == nil {
		return f.checkKind(path, Object)
	}
	var problems []error
	for name, value := range object {
		field, known := f.Fields[name]
		if !known {
			problems = append(problems, fmt.Errorf("%s.%s: unrecognized field", path, name))
			continue
		}
		problems = append(problems, field.check(path+"."+name, value))
	}
	for name, field := range f.Fields {
		if _, there := object[name]; field.Required && !there {
			problems = append(problems, fmt.Errorf("%s.%s: is required", path, name))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return errors.Join(problems...)
}
