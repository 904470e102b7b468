package config

import (
	"errors"
	"strings"
	"testing"
)

// refusal is one broken environment: minimal with text replaced or appended, and the problem it must bring.
type refusal struct {
	holds    string // the rule, as a sentence
	old, new string // replaced in minimal
	more     string // appended to minimal
	path     string // where the problem is
	value    string // what it quotes
	says     string // a part of its text
}

func (r refusal) text() string { return strings.Replace(minimal, r.old, r.new, 1) + r.more }

// check parses each environment and looks for its problem.
func check(t *testing.T, table []refusal) {
	t.Helper()
	for _, r := range table {
		t.Run(r.holds, func(t *testing.T) {
			if !strings.Contains(minimal, r.old) {
				t.Fatalf("%q is not in the minimal environment", r.old)
			}
			_, err := Parse([]byte(r.text()), nil)
			wantProblem(t, err, r.path, r.value, r.says)
		})
	}
}

func TestTheFileIsReadStrictly(t *testing.T) {
	check(t, []refusal{
		{holds: "a misspelt key is named with its line and the key meant", old: "name:", new: "nmae:",
			path: "nmae", says: "(line 2): is no field of an environment; did you mean name?"},
		{holds: "another case is another key", old: "hostnames:", new: "Hostnames:", path: "Hostnames", says: "did you mean hostnames?"},
		{holds: "a key of a deeper level is found", more: "identityServer: {version: 7.2.0-1}\n",
			path: "identityServer.version", says: "did you mean identityServer.chart.version?"},
		{holds: "a key like no other lists what there is", more: "verify: {colour: red}\n",
			path: "verify.colour", says: "remove it, or write one of level"},
		{holds: "a key in a list item is named by index", more: "certificates: {}\n", old: "  target:", new: "  artifacts: [{uri: x}]\n  target:",
			path: "image.artifacts[0].uri", says: "did you mean image.artifacts[0].url?"},
		{holds: "a doubled key names both lines", more: "name: again\n", path: "name", says: "(line 11): is given twice, first in line 2"},
		{holds: "a doubled key in values too", more: "apiManager: {values: {a: {b: 1, b: 2}}}\n", path: "apiManager.values.a.b", says: "is given twice"},
		{holds: "a version without quotes is no text", more: "identityServer:\n  chart: {version: 7.10}\n",
			path: "identityServer.chart.version", value: "7.10", says: `(line 12) "7.10": is a number where text is wanted; write it in quotes: "7.10"`},
		{holds: "a number is no duration", more: "timeouts: {gateway: 5}\n", path: "timeouts.gateway", value: "5", says: `is a number where a duration is wanted`},
		{holds: "a duration has a unit", more: "timeouts: {gateway: 5 minutes}\n", path: "timeouts.gateway", value: "5 minutes", says: `write it as "90s", "5m" or "1h30m"`},
		{holds: "yes is not true", more: "routing: {install: yes}\n", path: "routing.install", value: "yes", says: "write true or false"},
		{holds: "a list is no mapping", more: "verify: [full]\n", path: "verify", says: "is a list where a mapping is wanted"},
		{holds: "a scalar is no list", old: "  target:", new: "  platforms: linux/amd64\n  target:", path: "image.platforms", value: "linux/amd64", says: "begin each entry with a dash"},
		{holds: "one document per file", more: "---\nname: other\n", path: "YAML", says: "a second document begins"},
		{holds: "broken YAML names its line", more: "verify: [\n", path: "YAML", says: "line "},
	})
}

func TestSeveralUnknownKeysComeAtOnceWithTheOtherProblems(t *testing.T) {
	_, err := Parse([]byte(minimal+"onFailur: keep\nverify: {levle: full}\ntimeouts: {gateway: 9h}\n"), nil)
	var found Problems
	if !errors.As(err, &found) || len(found) != 3 {
		t.Fatalf("want three problems: %v", err)
	}
	want := `3 problems:
  - onFailur (line 11): is no field of an environment; did you mean onFailure?
  - verify.levle (line 12): is no field of an environment; did you mean verify.level?
  - timeouts.gateway (line 13) "9h": is not between 1s and 6h; a product needs 1 to 5 minutes to start; 15m leaves room`
	if found.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", found.Error(), want)
	}
}

func TestAnEmptyFileSaysWhatIsMissing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		_, err := Parse([]byte(text), nil)
		wantProblem(t, err, "name", "", "name the environment")
		wantProblem(t, err, "apiVersion", "", "write apiVersion: lockstep/v1")
	}
}

func TestNoTextPanicsTheReader(t *testing.T) {
	for _, text := range []string{"[]", "a", "1", "null", "&a [*a]", "? {a: 1}\n: b\n", "<<: [1]", "!!binary x", "image: &x {target: *x}", "a: &a {b: *a}", "apiManager: {values: &v {x: *v}}"} {
		if _, err := Parse([]byte(text), nil); err == nil {
			t.Errorf("%q is no environment, yet it was read", text)
		}
	}
}
