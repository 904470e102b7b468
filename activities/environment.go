package activities

import (
	"context"
	"errors"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/failure"
)

// CheckInput is an environment as an operation was given it.
type CheckInput struct {
	Environment environments.Reference `json:"environment"`
	Overrides   config.Values          `json:"overrides,omitempty"`
}

// CheckEnvironment reads an environment given by name from the worker's folder of environments, puts the overrides onto it,
// completes it with the defaults and validates it. All problems are reported at once, as TypeInvalidConfig.
func (a *Activities) CheckEnvironment(_ context.Context, in CheckInput) (config.Environment, error) {
	env, err := in.Environment.Resolve(a.settings.Environments, in.Overrides)
	var wrong config.Problems
	if errors.As(err, &wrong) {
		return env, failure.Final(failure.InvalidConfig, "%w", err)
	}
	if err != nil { // the folder, not what is in it
		return env, &failure.Error{Kind: failure.Unavailable, Cause: err, Next: "look at the worker's setting environments, and at that folder"}
	}
	return env, nil
}
