package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/release"
)

// VerifyInput is the input of [Verify].
type VerifyInput struct {
	Request
}

// UnmarshalJSON keeps what is wrong for the workflow to say.
func (in *VerifyInput) UnmarshalJSON(data []byte) error {
	type fields VerifyInput
	in.malformed = decode(OperationVerify, data, (*fields)(in))
	return nil
}

// Verify proves that a deployed environment works, at its own level or full if that is none, and leaves nothing behind.
func Verify(ctx workflow.Context, in VerifyInput) (activities.Verification, error) {
	name, err := in.environment(ctx)
	if err != nil {
		return activities.Verification{}, err
	}
	if !canonical(ctx, name) {
		return delegate[activities.Verification](ctx, name, OperationVerify, in)
	}
	env, err := checked(ctx, in.Request)
	if err != nil {
		return activities.Verification{}, err
	}
	if env.Verify.Level == config.VerifyNone {
		env.Verify.Level = config.VerifyFull
	}
	d := &deployment{env: env, scope: scopeOf(ctx, env)}
	// The look is for a product that lets nobody in: nothing was made there, so there is nothing to clean up.
	steps := []step{{name: "verify", summary: "prove that it works", look: d.lookKeyManager, do: d.verify, undo: d.cleanUpVerify, remedy: sweep}}
	d.before = map[string]release.State{activities.APIManager: {Exists: true}} // what a cut-off verification made must go
	board, err := newBoard(ctx, env.Name, "verify", steps)
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
