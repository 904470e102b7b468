package config

import "testing"

func FuzzParseNeverPanics(f *testing.F) {
	f.Add(minimal)
	f.Add(minimal + guideExtraConfigs)
	f.Add("image: &x {target: *x}")
	f.Add("a: [1, {b: !!float c}]\n? [d]\n: e")
	f.Fuzz(func(t *testing.T, text string) {
		env, _ := Parse([]byte(text), nil)
		env.Warnings()
	})
}

func FuzzLintNeverPanics(f *testing.F) {
	f.Add("[a.b]\n[a]\n[[c]]\n'x.y' = {z = [1]}\n")
	f.Fuzz(func(t *testing.T, text string) { LintTOML(text) })
}
