package saga

import (
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/board"
)

// Answered waits until whoever sent an Update has been answered.
func Answered(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }) // fails only if ctx is cancelled
}

// Conclude ends a failed or cancelled operation: it compensates and turns the failure into the error the caller sees.
func (r *Runner) Conclude(ctx workflow.Context, failure error, keep bool) error {
	cancelled := temporal.IsCanceledError(failure)
	what := failure.Error()
	if cancelled {
		what = "cancelled"
	}
	if keep && !cancelled {
		err := temporal.NewNonRetryableApplicationError(And(what, "onFailure is keep: nothing was undone"), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return err
	}
	if left := r.Compensate(ctx); left != nil {
		err := temporal.NewNonRetryableApplicationError(And(what, left.Error()), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return err
	}
	undone := "all that this run did is undone"
	if !r.changedSomething() {
		undone = "nothing had been changed yet"
	}
	err := temporal.NewNonRetryableApplicationError(And(what, undone), board.TypeRolledBack, nil)
	r.Board.Close(ctx, board.OutcomeRolledBack, err)
	if cancelled {
		return temporal.NewCanceledError()
	}
	return err
}

// And puts what follows a diagnosis of several lines on a line of its own.
func And(what, then string) string {
	if strings.Contains(what, "\n") {
		return what + "\n" + then
	}
	return what + "; " + then
}
