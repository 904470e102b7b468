package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMergeReplacesListsAndKeepsItsArguments(t *testing.T) {
	base := map[string]any{"a": map[string]any{"x": 1, "y": []any{1, 2}}, "b": "keep"}
	over := map[string]any{"a": map[string]any{"y": []any{3}, "z": nil}}
	got := MergeValues(base, over)
	want := map[string]any{"a": map[string]any{"x": 1, "y": []any{3}, "z": nil}, "b": "keep"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if len(base["a"].(map[string]any)["y"].([]any)) != 2 {
		t.Error("the base was changed")
	}
}

func TestFullNameFollowsTheRuleOfHelmCreate(t *testing.T) {
	for release, want := range map[string]string{
		"is":                     "is-identity-server",
		"my-identity-server-dev": "my-identity-server-dev",
		strings.Repeat("a", 62):  strings.Repeat("a", 62), // the dash at the end goes
	} {
		if got := FullName(release, "identity-server"); got != want {
			t.Errorf("%s: got %s, want %s", release, got, want)
		}
	}
}
