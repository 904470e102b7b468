package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/workflows/board"
	"lockstep/workflows/saga"
)

// VerifyInput is the input of [Verify].
type VerifyInput = Input[VerifyOptions]

// VerifyOptions are none: the level is the environment's.
type VerifyOptions struct{}

func (VerifyOptions) of() string { return operation.Verify }

// Verify proves that a deployed environment works, at its own level or full if that is none, and leaves nothing behind.
func Verify(ctx workflow.Context, in VerifyInput) (activities.Verification, error) {
	return begin(ctx, in, func(env config.Environment) (activities.Verification, error) { return prove(ctx, in.verb(), env) })
}

func prove(ctx workflow.Context, verb string, env config.Environment) (activities.Verification, error) {
	if env.Verify.Level == config.VerifyNone {
		env.Verify.Level = config.VerifyFull
	}
	d := newDeployment(newRun(ctx, env))
	d.apiManager.before.Exists = true // what a cut-off verification made must go
	proof := d.verify.step()
	proof.Look = d.keyManager.look // for a product that lets nobody in: nothing was made there, so there is nothing to clean up
	proof.Skippable = ""
	r, err := saga.New(ctx, env.Name, verb, []saga.Step{proof})
	if err != nil {
		return activities.Verification{}, err
	}
	if err := r.Run(ctx); err != nil {
		return activities.Verification{}, r.Conclude(ctx, err, false)
	}
	r.Board.Close(ctx, board.OutcomeDone, nil)
	return d.verify.proved, nil
}
