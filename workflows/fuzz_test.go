package workflows

import (
	"encoding/json"
	"testing"

	"lockstep/config/environments"
)

// Inputs are typed by people into the Temporal UI.

func FuzzAnInputNeverPanics(f *testing.F) {
	f.Add([]byte(`{"environment":"dev","overrides":{"a":1},"mode":"inPlace"}`))
	f.Add([]byte(`{"environment":{"apiVersion":"lockstep/v1","name":"dev"},"purge":true}`))
	f.Add([]byte(`{"environment":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, in := range []any{&DeployInput{}, &TeardownInput{}, &RebuildInput{}} {
			if !json.Valid(text) {
				return
			}
			if err := json.Unmarshal(text, in); err != nil {
				t.Errorf("an error ends the workflow in words that are not an operator's: %v", err)
			}
		}
		var reference environments.Reference
		if json.Unmarshal(text, &reference) == nil {
			_, _ = reference.Name()
		}
	})
}
