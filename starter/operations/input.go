package operations

import (
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/operation"
)

// Input is that of an operation's workflow: the environment as it is now, with what options say of it, and the other options beside it.
// Options have been checked by [operation.Operation.Check]. An error is one of [config.Problems].
func Input(of operation.Operation, env config.Environment, options map[string]any) (map[string]any, error) {
	input, overrides := of.Split(options)
	if len(overrides) > 0 {
		var err error
		if env, err = environments.Inline(env).Resolve("", overrides); err != nil {
			return nil, err
		}
	}
	input["environment"] = environments.Inline(env)
	return input, nil
}
