package operation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is what an option holds.
type Kind int

// Kinds of options.
const (
	Choice  Kind = iota // one of its values
	Switch              // true or false
	Several             // a list of its values
)

// Option is something that can be said of an operation beside the environment.
type Option struct {
	// Name is a field of the operation's input, of requests and of schedules, and a flag.
	Name string
	Kind Kind
	// Values are all there are, of a [Choice] and of [Several].
	Values []string
	// Default holds if nothing is said. Empty: the environment says it.
	Default string
	// Text says in one line what it does.
	Text string
	// Field is the path in the environment that the option sets. Without it the option is a field of the operation's input.
	Field []string
	// Only is why there are no other values; optional.
	Only string
	// Excludes is a value of another option with which this one is not given.
	Excludes Exclusion
}

// Exclusion is a value of an option, and why it goes without another option.
type Exclusion struct{ Option, Value, Why string }

func (o Option) ofEnvironment() bool { return len(o.Field) > 0 }

func (o Option) example() string {
	switch o.Kind {
	case Switch:
		return fmt.Sprintf("%q: false", o.Name)
	case Several:
		return fmt.Sprintf("%q: [%q]", o.Name, o.Values[0])
	}
	return fmt.Sprintf("%q: %q", o.Name, o.Values[0])
}

// Problem is what is wrong with an option that was given.
type Problem struct {
	Option  string
	Value   string
	Message string
	Next    string
}

// String is the problem in one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %q %s; %s", p.Option, p.Value, p.Message, p.Next)
}

// Check says what is wrong with options, by name. Values are as JSON gives them.
func (o Operation) Check(options map[string]any) (found []Problem) {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		value := options[name]
		problem := Problem{Option: name, Value: fmt.Sprint(value)}
		option, known := o.option(name)
		switch {
		case !known && len(o.Options) == 0:
			problem.Message, problem.Next = "is not an option: "+o.Verb+" has none", "remove it"
		case !known:
			problem.Message, problem.Next = "is not an option of "+o.Verb, "write one of "+strings.Join(o.names(), ", ")
		case !option.holds(value):
			problem.Message, problem.Next = "is not a value of this option", "write one of "+strings.Join(option.choices(), ", ")
			if option.Only != "" {
				problem.Message += ": " + option.Only
			}
		case value != false && option.Excludes.Option != "" && options[option.Excludes.Option] == option.Excludes.Value:
			problem.Message = fmt.Sprintf("does not go with %s %s, which %s", option.Excludes.Option, option.Excludes.Value, option.Excludes.Why)
			problem.Next = "remove one of the two"
		default:
			continue
		}
		found = append(found, problem)
	}
	return found
}

// Split parts options into fields of the operation's input and a JSON merge patch onto the environment.
func (o Operation) Split(options map[string]any) (input, overrides map[string]any) {
	input, overrides = map[string]any{}, map[string]any{}
	for name, value := range options {
		option, _ := o.option(name)
		if !option.ofEnvironment() {
			input[name] = value
			continue
		}
		at := overrides
		for _, key := range option.Field[:len(option.Field)-1] {
			below, _ := at[key].(map[string]any)
			if below == nil {
				below = map[string]any{}
				at[key] = below
			}
			at = below
		}
		at[option.Field[len(option.Field)-1]] = value
	}
	return input, overrides
}

// Join is the reverse of [Operation.Split].
func (o Operation) Join(input, overrides map[string]any) map[string]any {
	options := map[string]any{}
	maps.Copy(options, input)
	for _, option := range o.Options {
		if !option.ofEnvironment() {
			continue
		}
		var value any = overrides
		for _, key := range option.Field {
			below, _ := value.(map[string]any)
			value = below[key]
		}
		if value != nil {
			options[option.Name] = value
		}
	}
	return options
}

func (o Operation) option(name string) (Option, bool) {
	i := slices.IndexFunc(o.Options, func(option Option) bool { return option.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return o.Options[i], true
}

func (o Operation) names() (all []string) {
	for _, option := range o.Options {
		all = append(all, option.Name)
	}
	slices.Sort(all)
	return all
}

// holds says whether a value is one of the choices.
func (o Option) holds(value any) bool {
	switch o.Kind {
	case Switch:
		_, is := value.(bool)
		return is
	case Several:
		return o.holdsAll(value)
	}
	text, is := value.(string)
	return is && slices.Contains(o.Values, text)
}

func (o Option) holdsAll(value any) bool {
	switch list := value.(type) {
	case []string:
		return !slices.ContainsFunc(list, func(one string) bool { return !slices.Contains(o.Values, one) })
	case []any:
		return !slices.ContainsFunc(list, func(one any) bool {
			text, is := one.(string)
			return !is || !slices.Contains(o.Values, text)
		})
	}
	return false
}

func (o Option) choices() []string {
	if o.Kind == Switch {
		return []string{"true", "false"}
	}
	return o.Values
}
