package validation_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
	"lockstep/config/validation"
)

// noise does not get smaller by compression, but for what base 64 has of it.
func noise(size int) string {
	letters, random := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range size {
		text.WriteByte(letters[random.IntN(len(letters))])
	}
	return text.String()
}

func TestWhatTemporalOrHelmWouldRefuseIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	large := noise(900 << 10)
	for _, c := range []struct {
		holds           string
		is, apim        config.Values
		path, says, fit string
	}{
		{"values files beside large files", config.Values{"a": strings.Repeat("x", 1<<20)}, config.Values{"b": strings.Repeat("x", 1<<20)}, "environment", "is larger than an operation takes; shorten", ""},
		{"values that do not get smaller", config.Values{"a": large}, config.Values{"wso2": map[string]any{"apim": map[string]any{"configurations": map[string]any{"extraConfigs": noise(600 << 10)}}}},
			"apiManager.values", "is larger than Helm takes; shorten", ""},
	} {
		files := map[string]config.Values{"is.yaml": c.is, "apim.yaml": c.apim}
		env := configtest.Parse(t, configtest.Minimal)
		env.IdentityServer.Values, env.APIManager.Values = files["is.yaml"], files["apim.yaml"]
		var found config.Problems
		errors.As(validation.Check(env), &found)
		if text := found.Error(); !strings.Contains(text, c.path+" \"") || !strings.Contains(text, c.says) || !strings.Contains(text, "KiB of the") || len(text) > 4000 {
			t.Errorf("%s: %.500s", c.holds, text)
		}
	}
}

func TestAnEnvironmentThatIsNotTooLargeIsReadAsTheInputOfAnOperation(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal)
	for size := 1<<20 - 4000; size < 1<<20+1000; size += 700 {
		env.IdentityServer.Values = config.Values{"a": strings.Repeat("<", size/6)} // JSON makes six bytes of each
		_, err := environments.Inline(env).Resolve("", nil)
		if fits := validation.Check(env) == nil; fits != (err == nil) {
			t.Fatalf("%v: fits %v, as an input: %.200v", validation.Sizes(env)[0], fits, err)
		}
	}
}

func TestSizesAreSaidAgainstTheirLimits(t *testing.T) {
	env, err := environments.Parse([]byte(configtest.Minimal+configtest.APIMValues("a: "+noise(600<<10))), nil)
	if err != nil {
		t.Fatal(err)
	}
	sizes := validation.Sizes(env)
	if len(sizes) != 3 || sizes[0].Bytes < 600<<10 || sizes[1].Bytes != 0 || sizes[2].Bytes < 500<<10 || sizes[2].Bytes > 700<<10 {
		t.Errorf("got %v", sizes)
	}
	warned := false
	for _, warning := range validation.Warnings(env) {
		warned = warned || warning.Path == "apiManager.values" && strings.Contains(warning.Message, "more than half of what Helm takes")
	}
	if !warned {
		t.Error("nobody is warned")
	}
}
