package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"

	"lockstep/config/operation"
)

//go:generate go test . -run ^TestTheSchemaBesideTheExamplesIsCurrent$ -update

// environmentSource is where the schema takes its descriptions from: the comments of the types.
//
//go:embed environment.go
var environmentSource []byte

// Schema is the JSON Schema of environment files, for editors. It is generated from the types and their comments, and
// as strict as [Load] about keys and types; what only [Environment.Validate] can see it does not know.
func Schema() ([]byte, error) {
	comments, err := readComments(environmentSource)
	if err != nil {
		return nil, fmt.Errorf("reading the types' comments: %w", err)
	}
	reflector := jsonschema.Reflector{
		Anonymous:      true,
		ExpandedStruct: true,
		Mapper:         schemaOf,
		LookupComment:  comments.of,
	}
	schema := reflector.Reflect(&Environment{})
	schema.Title = "Lockstep environment"
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
	case reflect.TypeFor[Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$`, Examples: []any{"90s", "5m", "1h30m"}}
	case reflect.TypeFor[Values]():
		return &jsonschema.Schema{Type: "object"}
	case reflect.TypeFor[CRDPolicy]():
		return enum(CRDPolicies()...)
	case reflect.TypeFor[VerifyLevel]():
		return enum(VerifyLevels()...)
	case reflect.TypeFor[FailurePolicy]():
		return enum(FailurePolicies()...)
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

// narrow adds to plain text fields what they may hold.
func narrow(schema *jsonschema.Schema) {
	field := func(of, name string) *jsonschema.Schema {
		properties := schema.Properties
		if of != "" {
			properties = schema.Definitions[of].Properties
		}
		found, _ := properties.Get(name)
		return found
	}
	field("", "apiVersion").Enum = []any{APIVersion}
	field("Routing", "serviceType").Enum = enum(ServiceTypes()...).Enum
	for _, name := range []string{"name", "namespace"} {
		field("", name).Pattern = dnsLabel.String()
	}
	for _, name := range keys(reflect.TypeFor[Hostnames]()) {
		field("Hostnames", name).Pattern = dnsName.String()
	}
	field("Artifact", "sha256").Pattern = sha256Hex.String()
	field("Chart", "oci").Pattern = "^oci://"
	field("Product", "replicas").Minimum = "1"
	field("", "approvals").Items = enum(DeploySteps()...)
	field("", "approvals").UniqueItems = true
	field("Schedule", "name").Pattern = dnsLabel.String()
	field("Schedule", "operation").Enum = enum(operation.Scheduled()...).Enum
}
