// Package schema describes environment files and cluster files for editors.
package schema

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/config/operation"
	"lockstep/config/step"
)

//go:generate go test . -run ^TestTheSchemasBesideTheExamplesAreCurrent$ -update

// Environment is the JSON Schema of environment files, for editors. It is generated from the types and their comments, and
// as strict as [environments.Load] about keys and types; what only [validation.Check] can see it does not know.
func Environment() ([]byte, error) {
	return of(&config.Environment{}, "Lockstep environment", narrow)
}

// Cluster is the JSON Schema of cluster files, as strict as [clusters.Load] about keys and types.
func Cluster() ([]byte, error) {
	return of(&clusters.Cluster{}, "Lockstep cluster", func(schema *jsonschema.Schema) {
		tagged(schema, reflect.TypeFor[clusters.Cluster](), func(of reflect.Type) *jsonschema.Schema { return schema.Definitions[of.Name()] })
		oci, _ := schema.Definitions["Chart"].Properties.Get("oci")
		oci.Pattern = "^oci://"
	})
}

func of(file any, title string, narrow func(*jsonschema.Schema)) ([]byte, error) {
	comments, err := readComments(append(config.Sources(), clusters.Source())...)
	if err != nil {
		return nil, fmt.Errorf("reading the types' comments: %w", err)
	}
	reflector := jsonschema.Reflector{
		Anonymous:      true,
		ExpandedStruct: true,
		Mapper:         schemaOf,
		LookupComment:  comments.of,
	}
	schema := reflector.Reflect(file)
	schema.Title = title
	narrow(schema)
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schemaOf describes the types with a notation or with choices of their own.
func schemaOf(of reflect.Type) *jsonschema.Schema {
	switch of {
	case reflect.TypeFor[config.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$`, Examples: []any{"90s", "5m", "1h30m"}}
	case reflect.TypeFor[config.Values]():
		return &jsonschema.Schema{Type: "object"}
	case reflect.TypeFor[config.ClusterName]():
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

func enum[T ~string](values ...T) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "string"}
	for _, value := range values {
		schema.Enum = append(schema.Enum, string(value))
	}
	return schema
}

// patterns are what the rules of tags let through.
func patterns() map[string]string {
	return map[string]string{config.RuleLabel: config.LabelPattern, config.RuleNamespace: "^$|" + config.LabelPattern, config.RuleHostname: config.DNSNamePattern,
		config.RuleObject: config.DNSNamePattern, config.RuleSecret: config.DNSNamePattern}
}

// tagged adds what tags say of the fields of a struct, and of those below it.
func tagged(schema *jsonschema.Schema, of reflect.Type, properties func(reflect.Type) *jsonschema.Schema) {
	for field := range of.Fields() {
		if !field.IsExported() {
			continue
		}
		if field.Tag.Get("owner") != "" {
			for name := range fieldNames(field.Type) {
				schema.Properties.Delete(name)
			}
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		property, _ := schema.Properties.Get(name)
		if choices := config.Choices(field.Tag); choices != nil {
			property.Enum = enum(choices...).Enum
		}
		if pattern := patterns()[field.Tag.Get("rule")]; pattern != "" {
			property.Pattern = pattern
		}
		below := field.Type
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			tagged(properties(below), below, properties)
		}
	}
}

// fieldNames are what a file calls the fields of a struct.
func fieldNames(of reflect.Type) iter.Seq[string] {
	return func(yield func(string) bool) {
		for field := range of.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); !yield(name) {
				return
			}
		}
	}
}

// narrow adds what fields may hold: what their tags say, and what has no tag.
func narrow(schema *jsonschema.Schema) {
	tagged(schema, reflect.TypeFor[config.Environment](), func(of reflect.Type) *jsonschema.Schema { return schema.Definitions[of.Name()] })
	field := func(of, name string) *jsonschema.Schema {
		properties := schema.Properties
		if of != "" {
			properties = schema.Definitions[of].Properties
		}
		found, _ := properties.Get(name)
		return found
	}
	field("Artifact", "sha256").Pattern = config.SHA256Pattern
	field("Chart", "sha256").Pattern = config.SHA256Pattern
	field("Chart", "digest").Pattern = config.DigestPattern
	field("Chart", "oci").Pattern = "^oci://"
	field("Product", "replicas").Minimum = "1"
	field("", "approvals").Items = enum(step.Deployment()...)
	field("", "approvals").UniqueItems = true
	field("Schedule", "name").Pattern = config.LabelPattern
	field("Schedule", "operation").Enum = enum(operation.Scheduled()...).Enum
}
