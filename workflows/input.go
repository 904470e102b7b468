package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"lockstep/config/operation"
)

// Input is the input of an operation: a request and, in the same JSON object, the operation's options.
type Input[O optionSet] struct {
	Request
	Options O
}

// optionSet are the fields of an operation's input beside those of [Request].
type optionSet interface {
	of() string // the workflow type
}

// strange are options of a workflow that is not in the catalogue: it says itself what they may be.
type strange interface {
	wrong() string
	example() string
}

// MarshalJSON puts the options beside the request.
func (in Input[O]) MarshalJSON() ([]byte, error) {
	all := map[string]json.RawMessage{}
	for _, part := range []any{in.Request, in.Options} {
		text, err := json.Marshal(part)
		if err == nil {
			err = json.Unmarshal(text, &all)
		}
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON keeps what is wrong for the workflow to say: an error would end it in words that are not an operator's.
func (in *Input[O]) UnmarshalJSON(data []byte) error {
	err := json.Unmarshal(data, &in.Request)
	if err == nil {
		err = json.Unmarshal(data, &in.Options)
	}
	if err == nil {
		err = unknownField(data, in.Request, in.Options)
	}
	if err != nil {
		in.malformed = fmt.Sprintf("the input of %s is wrong: %s; write it as %s", in.Options.of(), strings.TrimPrefix(err.Error(), "json: "), exampleOf(in.Options))
		return nil
	}
	in.malformed = complaint(in.Options)
	return nil
}

func exampleOf(o optionSet) string {
	if own, is := o.(strange); is {
		return own.example()
	}
	row, _ := operation.OfType(o.of())
	return row.Example()
}

// complaint is what is wrong with options that could be read.
func complaint(o optionSet) string {
	if own, is := o.(strange); is {
		return own.wrong()
	}
	var given map[string]any
	text, err := json.Marshal(o)
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err != nil {
		return err.Error()
	}
	row, _ := operation.OfType(o.of())
	var all []string
	for _, problem := range row.Check(given) {
		all = append(all, problem.String())
	}
	return strings.Join(all, "\n")
}

// unknownField names a field of a JSON object that no part has.
func unknownField(data []byte, parts ...any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	var known []string
	for _, part := range parts {
		known = append(known, fieldsOf(reflect.TypeOf(part))...)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.ContainsFunc(known, func(one string) bool { return strings.EqualFold(one, name) }) { // as package json reads them
			return fmt.Errorf("unknown field %q", name)
		}
	}
	return nil
}

// fieldsOf are the names in JSON of a type's fields.
func fieldsOf(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// verb is how people call the operation.
func (in Input[O]) verb() string {
	row, _ := operation.OfType(in.Options.of())
	return row.Verb
}
