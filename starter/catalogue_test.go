package main

import (
	"testing"

	"lockstep/config/operation"
)

func TestEveryOperationHasACommandWithItsOptions(t *testing.T) {
	for _, row := range operation.All() {
		cmd, _, err := root().Find([]string{row.Verb})
		if err != nil || cmd.Name() != row.Verb || cmd.Short != row.Summary {
			t.Errorf("%s: %v", row.Verb, err)
			continue
		}
		for _, option := range row.Options {
			if cmd.Flags().Lookup(option.Name) == nil {
				t.Errorf("%s has no flag --%s", row.Verb, option.Name)
			}
		}
	}
}
