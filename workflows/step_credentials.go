package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/step"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// credentialsStep makes passwords and encryption keys, once.
type credentialsStep struct{ objectSet }

func (s *credentialsStep) step() saga.Step {
	return saga.Step{
		Name: step.Credentials, Summary: "make passwords and encryption keys, once",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
		Frozen: []saga.Frozen{
			{Path: "credentials.adminUsername", Of: func(e config.Environment) any { return e.Credentials.AdminUsername }},
			{Path: "credentials.secret", Of: func(e config.Environment) any { return e.Credentials.Secret }},
		},
	}
}

func (s *credentialsStep) do(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Quick("make what is missing"), a.EnsureCredentials, s.trimmed(""))
}

func (s *credentialsStep) removal() saga.Step {
	return s.removed(step.Credentials, "remove passwords and encryption keys")
}
