package operations

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"lockstep/config/operation"
	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
)

// decisionTimeout is how long a worker may take to answer a decision. A changed environment is checked meanwhile.
const decisionTimeout = time.Minute

// Decide sends a decision, one of the Updates of package workflows, to an operation.
func (c Client) Decide(ctx context.Context, o Operation, update string, input any) (answer decision.Answer, err error) {
	row, _ := operation.OfType(o.Operation)
	switch {
	case !o.Running():
		return answer, notRunning(o.Environment)
	case !row.Decisions:
		return answer, failed(Refused, "%s runs on environment %q and waits for no decision; `lockstep cancel %s` ends it", o.Operation, o.Environment, o.Environment)
	}
	ctx, cancel := context.WithTimeout(ctx, decisionTimeout)
	defer cancel()
	handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.CanonicalID(o.Environment), RunID: o.ID, UpdateName: update, Args: []any{input}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	return answer, unanswered(o.Environment, err)
}

// unanswered says why a decision was not taken, or is not known to be.
func unanswered(environment string, err error) error {
	var app *temporal.ApplicationError
	var gone *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &app):
		return failed(Refused, "%s", app.Message())
	case errors.As(err, &gone):
		return notRunning(environment)
	}
	return unavailable("no answer to the decision: %w; check that a worker runs (`bin/worker`); `lockstep status %s` shows whether the decision was taken", err, environment)
}

func notRunning(environment string) error {
	return failed(Refused, "no operation runs on environment %q: `lockstep status %s` shows the last one", environment, environment)
}

// Cancel asks an operation to end; a deployment undoes what it did. undoing says that it does so already, which nothing stops.
func (c Client) Cancel(ctx context.Context, o Operation) (undoing bool, err error) {
	if !o.Running() { // Temporal would accept it all the same
		return false, notRunning(o.Environment)
	}
	if view, err := c.View(ctx, o); err == nil && view.Status.Phase == board.PhaseCompensating {
		return true, nil
	}
	if err := c.CancelWorkflow(ctx, workflows.CanonicalID(o.Environment), o.ID); err != nil {
		return false, away(err, "cancelling the operation on %q", o.Environment)
	}
	return false, nil
}
