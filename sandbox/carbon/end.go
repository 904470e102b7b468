package carbon

import (
	"context"
	"errors"

	"lockstep/sandbox/simulate"
)

// misconfigured is a deployment.toml that the mapper does not take: the real product's script ends with code 0 then.
type misconfigured struct{ error }

// gaveUp is a start that failed later: the real product says so, and its process lives on without any port.
type gaveUp struct{ error }

func (e misconfigured) Unwrap() error { return e.error }
func (e gaveUp) Unwrap() error        { return e.error }

// End is how the program of a server ends that [New] could not make. An error is a crash.
func End(ctx context.Context, env simulate.Env, err error) error {
	var lives gaveUp
	var script misconfigured
	switch {
	case errors.As(err, &lives):
		env.Log.Error(lives.Error())
		env.Log.Error("FATAL {org.wso2.carbon.core.init.CarbonServerManager} - WSO2 Carbon initialization Failed")
		<-ctx.Done()
		return nil
	case errors.As(err, &script):
		env.Log.Error(`Exception in thread "main" ` + script.Error())
		return nil
	}
	return err
}
