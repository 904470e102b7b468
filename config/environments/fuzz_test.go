package environments_test

import (
	"testing"

	"lockstep/config/configtest"
	"lockstep/config/environments"
	"lockstep/config/validation"
)

func FuzzParseNeverPanics(f *testing.F) {
	f.Add(configtest.Minimal)
	f.Add("image: &x {target: *x}")
	f.Add("a: [1, {b: !!float c}]\n? [d]\n: e")
	f.Fuzz(func(t *testing.T, text string) {
		env, _ := environments.Parse([]byte(text), nil)
		validation.Warnings(env)
	})
}
