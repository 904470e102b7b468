package deploymenttoml_test

import (
	"strings"
	"testing"

	"lockstep/config/deploymenttoml"
)

func TestLintFindsWhatTheServersParserCannotTake(t *testing.T) {
	for _, c := range []struct {
		holds, text string
		want        []string // path and part of each problem
	}{
		{"a child after its parent is fine", "[oauth]\na = 1\n[oauth.token_cleanup]\nb = 1\n", nil},
		{"a parent after its child overflows the parser", "[oauth.token_cleanup]\nb = 1\n\n[oauth]\na = 1\n", []string{`line 4 "[oauth]": comes after [oauth.token_cleanup] in line 1`}},
		{"a grandparent counts", "[a.b.c]\n[a]\n", []string{`line 2 "[a]": comes after [a.b.c] in line 1`}},
		{"a parent after an array below it counts", "[[a.b]]\n[a]\n", []string{`line 2 "[a]": comes after [a.b]`}},
		{"a table twice", "[a]\n[b]\n[a]\n", []string{`line 3 "[a]": is given twice, first in line 1`}},
		{"arrays repeat, with tables below each element", "[[l]]\nx = 1\n[l.p]\ny = 1\n[[l]]\nx = 2\n[l.p]\ny = 2\n", nil},
		{"a table below one element twice", "[[l]]\n[l.p]\n[l.p]\n", []string{`line 3 "[l.p]": is given twice`}},
		{"a table and an array of one name", "[[l]]\n[l]\n", []string{`line 2 "[l]": is an array of tables`}},
		{"an array and a table of one name", "[l]\n[[l]]\n", []string{`line 2 "[[l]]": is a table in line 1`}},
		{"a key twice", "[a]\nx = 1\ny = 1\nx = 2\n", []string{`line 4 "x": is given twice, first in line 2`}},
		{"a dotted key twice", "a.b = 1\na.b = 2\n", []string{`line 2 "a.b": is given twice`}},
		{"a quoted dot is part of the key", "[p]\n'header.X' = 1\n[p.header]\nX = 1\n", nil},
		{"headers inside text are text", "[a]\nx = '''\n[a]\n'''\n# [a]\ny = [\n  1,\n]\n", nil},
		{"broken TOML names its line", "[a]\nx = \n", []string{"line 2: is not TOML"}},
		{"an open bracket", "[a\n", []string{"line 1: is not TOML"}},
	} {
		t.Run(c.holds, func(t *testing.T) {
			got := deploymenttoml.Lint(c.text)
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i, problem := range got {
				if !strings.Contains(problem.String(), c.want[i]) {
					t.Errorf("got %s, want %s", problem, c.want[i])
				}
			}
		})
	}
}

func TestLintNeverShowsAValue(t *testing.T) {
	for _, text := range []string{"password = \"hush\"\npassword = \"hush\"\n", "password = hush\n", "password = \"hush\n", "p = 'hush' x\n"} {
		for _, problem := range deploymenttoml.Lint(text) {
			if strings.Contains(problem.String(), "hush") {
				t.Errorf("the value shows: %s", problem)
			}
		}
	}
}

func FuzzLintNeverPanics(f *testing.F) {
	f.Add("[a.b]\n[a]\n[[c]]\n'x.y' = {z = [1]}\n")
	f.Fuzz(func(t *testing.T, text string) { deploymenttoml.Lint(text) })
}
