package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lockstep/config/operation"
)

// verb is an operation as the API calls it.
type verb string

// Schema lists all there are.
func (verb) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: anything(operation.Verbs())}
}

// row is the operation of a verb that the schema let through.
func (v verb) row() operation.Operation {
	row, _ := operation.OfVerb(string(v))
	return row
}

// verbOf is how the API calls a workflow type.
func verbOf(workflowType string) string {
	if row, known := operation.OfType(workflowType); known {
		return row.Verb
	}
	return workflowType
}

// StartOptions are the options of operations. Each is for some of them.
type StartOptions map[string]any

// Schema lists the options of all operations. Which of them one takes [StartOptions.check] says.
func (StartOptions) Schema(huma.Registry) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for _, row := range operation.All() {
		for _, option := range row.Options {
			text := row.Verb + ": " + option.Text
			if property := schema.Properties[option.Name]; property != nil {
				property.Description += "; " + text
				continue
			}
			property := schemaOf(option)
			property.Description = text
			schema.Properties[option.Name] = property
		}
	}
	schema.PrecomputeMessages()
	return schema
}

func schemaOf(option operation.Option) *huma.Schema {
	switch option.Kind {
	case operation.Switch:
		return &huma.Schema{Type: huma.TypeBoolean}
	case operation.Several:
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: anything(option.Values)}}
	}
	return &huma.Schema{Type: huma.TypeString, Enum: anything(option.Values)}
}

// given are the options that say something: a switch that is off says nothing.
func (o StartOptions) given() StartOptions {
	all := StartOptions{}
	for name, value := range o {
		if value != false {
			all[name] = value
		}
	}
	return all
}

// check refuses options that are not for the operation.
func (o StartOptions) check(row operation.Operation) error {
	for _, problem := range row.Check(o) {
		return wrong("body.options."+problem.Option, "%s; %s", problem.Message, problem.Next)
	}
	return nil
}

// starters say which role starts what.
func starters() string {
	var all []string
	for _, role := range []string{operation.Operator, operation.Admin} {
		verbs := operation.StartedBy(role)
		last := len(verbs) - 1
		all = append(all, fmt.Sprintf("%s and %s need the role %s", strings.Join(verbs[:last], ", "), verbs[last], role))
	}
	return strings.Join(all, ", ")
}

func anything(texts []string) []any {
	all := make([]any, 0, len(texts))
	for _, text := range texts {
		all = append(all, text)
	}
	return all
}
