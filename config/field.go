package config

import (
	"fmt"
	"iter"
	"reflect"
	"strings"
)

// A field's tag says what its text may be, for validation and for the schema:
//
//   - choices:"a,b" is a list of all that it may be.
//   - rule:"label" is a DNS label of at most 63 characters, rule:"namespace" one or nothing, rule:"hostname" a DNS name that the Gateway can listen for.
//   - rule:"object" is the name of a Kubernetes object, rule:"secret" that of a Secret, or nothing.
//   - owner:"cluster" is of a part that an environment has from its cluster: no environment file may say it.
const (
	RuleLabel     = "label"
	RuleNamespace = "namespace"
	RuleHostname  = "hostname"
	RuleObject    = "object"
	RuleSecret    = "secret"
)

// Field is a field that holds text, and what its tag says.
type Field struct {
	Path    string // as hostnames.gateway
	Value   string
	Rule    string
	Choices []string
}

// Fields are all fields of an environment file that hold text, in the order of the types, without those of parts that are left out.
func (e Environment) Fields() iter.Seq[Field] { return FieldsOf(e, "") }

// FieldsOf are all fields below path, of a struct that a file is read into.
func FieldsOf(of any, path string) iter.Seq[Field] {
	return func(yield func(Field) bool) { fieldsOf(reflect.ValueOf(of), path, yield) }
}

func fieldsOf(of reflect.Value, path string, yield func(Field) bool) bool {
	for field, value := range of.Fields() {
		if field.Tag.Get("owner") != "" {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !fieldIn(value, JoinPath(path, name), Field{Rule: field.Tag.Get("rule"), Choices: Choices(field.Tag)}, yield) {
			return false
		}
	}
	return true
}

func fieldIn(value reflect.Value, path string, field Field, yield func(Field) bool) bool {
	switch value.Kind() {
	case reflect.Pointer:
		return value.IsNil() || fieldIn(value.Elem(), path, field, yield)
	case reflect.Struct:
		return fieldsOf(value, path, yield)
	case reflect.Slice:
		for i := range value.Len() {
			if !fieldIn(value.Index(i), fmt.Sprintf("%s[%d]", path, i), field, yield) {
				return false
			}
		}
	case reflect.String:
		field.Path, field.Value = path, value.String()
		return yield(field)
	}
	return true
}

// Choices are all that a field with this tag may be; none: it may be anything.
func Choices(tag reflect.StructTag) []string {
	text, given := tag.Lookup("choices")
	if !given {
		return nil
	}
	return strings.Split(text, ",")
}
