package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/release"
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
	d := &deployment{env: env, scope: scopeOf(ctx, env)}
	// The look is for a product that lets nobody in: nothing was made there, so there is nothing to clean up.
	steps := []step{{name: "verify", summary: "prove that it works", look: d.lookKeyManager, do: d.verify, undo: d.cleanUpVerify, remedy: sweep}}
	d.before = map[string]release.State{activities.APIManager: {Exists: true}} // what a cut-off verification made must go
	board, err := newBoard(ctx, env.Name, verb, steps)
	if err != nil {
		return activities.Verification{}, err
	}
	r := &runner{board: board}
	if err := r.run(ctx, steps); err != nil {
		return activities.Verification{}, r.conclude(ctx, err, false)
	}
	board.close(ctx, OutcomeDone, nil)
	return d.verified, nil
}
