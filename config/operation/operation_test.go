package operation

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryRowIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range All() {
		if seen[o.Type] || seen[o.Verb] {
			t.Errorf("there are two of %s, %s", o.Type, o.Verb)
		}
		seen[o.Type], seen[o.Verb] = true, true
		if o.Type == "" || o.Verb == "" || o.Summary == "" || !slices.Contains([]string{Operator, Admin}, o.Role) {
			t.Errorf("%+v", o)
		}
		for _, option := range o.Options {
			if option.Text == "" || option.Kind != Switch && len(option.Values) == 0 {
				t.Errorf("%s: option %+v", o.Verb, option)
			}
			if option.Default != "" && !slices.Contains(option.Values, option.Default) {
				t.Errorf("%s: the default of %s is no choice", o.Verb, option.Name)
			}
			if other, known := o.option(option.Excludes.Option); option.Excludes.Option != "" && (!known || !slices.Contains(other.Values, option.Excludes.Value)) {
				t.Errorf("%s: %s excludes what there is not", o.Verb, option.Name)
			}
		}
	}
}

// Ways in describe an option once, for all operations that have it.
func TestOptionsOfOneNameAreOfOneKind(t *testing.T) {
	kinds := map[string]string{}
	for _, o := range All() {
		for _, option := range o.Options {
			is := fmt.Sprint(option.Kind, option.Values)
			if other, there := kinds[option.Name]; there && other != is {
				t.Errorf("%s is %s and %s", option.Name, other, is)
			}
			kinds[option.Name] = is
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		verb    string
		options map[string]any
		want    string
	}{
		"nothing":              {"rebuild", nil, ""},
		"all of it":            {"rebuild", map[string]any{"mode": "fresh", "purge": true}, ""},
		"a switch that is off": {"rebuild", map[string]any{"mode": "in-place", "purge": false}, ""},
		"what excludes it":     {"rebuild", map[string]any{"mode": "in-place", "purge": true}, `purge: "true" does not go with mode in-place, which removes nothing; remove one of the two`},
		"another's":            {"deploy", map[string]any{"purge": true}, `purge: "true" is not an option: deploy has none; remove it`},
		"unknown":              {"teardown", map[string]any{"mode": "fresh"}, `mode: "fresh" is not an option of teardown; write one of purge`},
		"no choice":            {"verify", map[string]any{"level": "none"}, `level: "none" is not a value of this option; write one of health, token, full`},
		"text for a switch":    {"teardown", map[string]any{"purge": "yes"}, `purge: "yes" is not a value of this option; write one of true, false`},
		"a list":               {"rotate", map[string]any{"what": []any{"certificates"}}, ""},
		"no list":              {"rotate", map[string]any{"what": "certificates"}, `what: "certificates" is not a value of this option`},
		"one that is none":     {"rotate", map[string]any{"what": []string{"certificates", "keys"}}, `what: "[certificates keys]" is not a value of this option`},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := OfVerb(test.verb)
			got := ""
			for _, problem := range o.Check(test.options) {
				got += problem.String()
			}
			if len(got) < len(test.want) || got[:len(test.want)] != test.want || test.want == "" && got != "" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestWhatIsSplitCanBeJoined(t *testing.T) {
	for verb, options := range map[string]map[string]any{
		"verify":  {"level": "token"},
		"rebuild": {"mode": "fresh", "purge": true},
		"deploy":  {},
	} {
		o, _ := OfVerb(verb)
		input, overrides := o.Split(options)
		if diff := cmp.Diff(options, o.Join(input, overrides)); diff != "" {
			t.Errorf("%s: %s", verb, diff)
		}
	}
	verify, _ := OfVerb("verify")
	input, overrides := verify.Split(map[string]any{"level": "token"})
	if diff := cmp.Diff(map[string]any{"verify": map[string]any{"level": "token"}}, overrides); diff != "" || len(input) > 0 {
		t.Errorf("%v, %s", input, diff)
	}
}
