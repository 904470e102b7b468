package saga

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATableThatCannotEndIsRefused(t *testing.T) {
	for says, steps := range map[string][]Step{
		"":               {{Name: "a"}, Step{Name: "b"}.After("a"), Step{Name: "c"}.After("a", "b")},
		`two steps "a"`:  {{Name: "a"}, {Name: "a"}},
		"without a name": {{}},
		`step b needs what is no step: there is no step "A" among a, b`: {{Name: "a"}, Step{Name: "b"}.After("A")},
		"in a circle: a, c, b, a": {Step{Name: "a"}.After("c"), Step{Name: "b"}.After("a"), Step{Name: "c"}.After("b")},
		"in a circle: b, b":       {{Name: "a"}, Step{Name: "b"}.After("a", "b")},
	} {
		err := Check(steps)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func TestATableIsSplitByNamesThatItHas(t *testing.T) {
	steps := []Step{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	those, others, err := Split(steps, "c", "a")
	if diff := cmp.Diff([][]string{{"a", "c"}, {"b"}}, [][]string{Names(those), Names(others)}); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, _, err := Split(steps, "a", "d"); err == nil || !strings.Contains(err.Error(), `no step "d" among a, b, c`) {
		t.Error(err)
	}
}

func TestAPrefixIsThatOfNeedsTooAndTheTableStaysAsItWas(t *testing.T) {
	steps := []Step{{Name: "a"}, Step{Name: "b"}.After("a", "elsewhere")}
	got := Prefixed("re-", steps)
	if got[0].Name != "re-a" || got[1].Name != "re-b" {
		t.Errorf("%q", Names(got))
	}
	if diff := cmp.Diff([]string{"re-a", "elsewhere"}, got[1].Needs); diff != "" {
		t.Error(diff)
	}
	if steps[1].Needs[0] != "a" {
		t.Error("the table was changed")
	}
}
