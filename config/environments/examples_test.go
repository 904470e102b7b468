package environments_test

import (
	"path/filepath"
	"testing"

	"lockstep/config/environments"
	"lockstep/config/validation"
)

func TestEveryExampleIsValid(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			env, err := environments.Load(file)
			if err != nil {
				t.Error(err)
			}
			for _, warning := range validation.Warnings(env) {
				t.Logf("warning: %s", warning)
			}
		})
	}
}
