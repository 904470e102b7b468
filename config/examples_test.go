package config

import (
	"path/filepath"
	"testing"
)

func TestEveryExampleIsValid(t *testing.T) {
	files, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			env, err := Load(file)
			if err != nil {
				t.Error(err)
			}
			for _, warning := range env.Warnings() {
				t.Logf("warning: %s", warning)
			}
		})
	}
}
