package strictyaml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
)

func TestTheFileIsReadStrictly(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a misspelt key is named with its line and the key meant", Old: "name:", New: "nmae:",
			Path: "nmae", Says: "(line 2): is not a field of an environment; did you mean name?"},
		{Holds: "another case is another key", Old: "hostnames:", New: "Hostnames:", Path: "Hostnames", Says: "did you mean hostnames?"},
		{Holds: "a key of a deeper level is found", More: "identityServer: {version: 7.2.0-1}\n",
			Path: "identityServer.version", Says: "did you mean identityServer.chart.version?"},
		{Holds: "a key like no other lists what there is", More: "verify: {colour: red}\n",
			Path: "verify.colour", Says: "remove it, or write one of level"},
		{Holds: "a key in a list item is named by index", More: "certificates: {}\n", Old: "  target:", New: "  artifacts: [{uri: x}]\n  target:",
			Path: "image.artifacts[0].uri", Says: "did you mean image.artifacts[0].url?"},
		{Holds: "a doubled key names both lines", More: "name: again\n", Path: "name", Says: "(line 11): is given twice, first in line 2"},
		{Holds: "a doubled key in values too", More: "apiManager: {values: {a: {b: 1, b: 2}}}\n", Path: "apiManager.values.a.b", Says: "is given twice"},
		{Holds: "a version without quotes is no text", More: "identityServer:\n  chart: {version: 7.10}\n",
			Path: "identityServer.chart.version", Value: "7.10", Says: `(line 12) "7.10": is a number, but must be text; write it in quotes: "7.10"`},
		{Holds: "a number is no duration", More: "timeouts: {gateway: 5}\n", Path: "timeouts.gateway", Value: "5", Says: "is a number, but must be a duration; write it as"},
		{Holds: "a duration has a unit", More: "timeouts: {gateway: 5 minutes}\n", Path: "timeouts.gateway", Value: "5 minutes", Says: `write it as "90s", "5m" or "1h30m"`},
		{Holds: "yes is not true", More: "keyManager: {roleCreation: yes}\n", Path: "keyManager.roleCreation", Value: "yes", Says: "write true or false"},
		{Holds: "a list is no mapping", More: "verify: [full]\n", Path: "verify", Says: "is a list, but must be a mapping"},
		{Holds: "a scalar is no list", Old: "  target:", New: "  platforms: linux/amd64\n  target:", Path: "image.platforms", Value: "linux/amd64", Says: "begin each entry with a dash"},
		{Holds: "one document per file", More: "---\nname: other\n", Path: "YAML", Says: "a second document begins"},
		{Holds: "broken YAML names its line", More: "verify: [\n", Path: "YAML", Says: "line "},
	})
}

func TestSeveralUnknownKeysComeAtOnceWithTheOtherProblems(t *testing.T) {
	_, err := environments.Parse([]byte(configtest.Minimal+"onFailur: keep\nverify: {levle: full}\ntimeouts: {gateway: 9h}\n"), nil)
	var found config.Problems
	if !errors.As(err, &found) || len(found) != 3 {
		t.Fatalf("want three problems: %v", err)
	}
	want := `3 problems:
  - onFailur (line 11): is not a field of an environment; did you mean onFailure?
  - verify.levle (line 12): is not a field of an environment; did you mean verify.level?
  - timeouts.gateway (line 13) "9h": is not between 1s and 6h; write a time in between; a product needs 1 to 5 minutes to start, so 15m is safe`
	if found.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", found.Error(), want)
	}
}

func TestAnEmptyFileSaysWhatIsMissing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		_, err := environments.Parse([]byte(text), nil)
		configtest.WantProblem(t, err, "name", "", "write a name of lower-case letters")
		configtest.WantProblem(t, err, "apiVersion", "", "write lockstep/v1")
	}
}

func TestADocumentIsBoundedBeforeItIsLookedAt(t *testing.T) {
	laughs := "a0: &a0 [x, x]\n"
	for i := range 30 {
		laughs += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	for holds, text := range map[string]string{
		"an alias of what it is part of": "cluster: &a {<<: *a}\n",
		"an alias within itself":         "apiManager: &a {values: {x: *a}}\n",
		"a list within itself":           "approvals: &a [*a]\n",
		"aliases of aliases":             laughs,
		"deep values":                    "apiManager: {values: " + strings.Repeat("{a: ", 200) + "1" + strings.Repeat("}", 200) + "}\n",
		"a large file":                   "apiManager: {values: {a: \"" + strings.Repeat("x", 2<<20) + "\"}}\n",
	} {
		_, err := environments.Parse([]byte(configtest.Minimal+text), nil)
		var found config.Problems
		if !errors.As(err, &found) || len(found) != 1 || found[0].Path != "YAML" || found[0].Next == "" || len(err.Error()) > 500 {
			t.Errorf("%s: %v", holds, err)
		}
	}
}

func TestNoTextPanicsTheReader(t *testing.T) {
	for _, text := range []string{"[]", "a", "1", "null", "&a [*a]", "? {a: 1}\n: b\n", "<<: [1]", "!!binary x", "image: &x {target: *x}", "a: &a {b: *a}", "apiManager: {values: &v {x: *v}}"} {
		if _, err := environments.Parse([]byte(text), nil); err == nil {
			t.Errorf("%q is no environment, yet it was read", text)
		}
	}
}
