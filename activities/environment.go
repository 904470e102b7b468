package activities

import (
	"context"

	"lockstep/config"
)

// CheckEnvironment completes an environment with the defaults and validates it. All problems are reported at once.
func (a *Activities) CheckEnvironment(_ context.Context, env config.Environment) (config.Environment, error) {
	env.Default()
	if err := env.Validate(); err != nil {
		return env, failure(TypeInvalidConfig, err.Error())
	}
	return env, nil
}
