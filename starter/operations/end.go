package operations

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"lockstep/internal/failure"
	"lockstep/workflows"
	"lockstep/workflows/board"
)

// Ending is how an operation ended that gave back an error.
type Ending struct {
	Outcome string
	Error   string
	Type    string // of the application error, if it is one
}

// End reads the error of [Client.Result]. status is the board, if it is known: a cancelled operation says only there what it undid.
func End(err error, status *board.Status) Ending {
	var ended *temporal.WorkflowExecutionError
	if !errors.As(err, &ended) {
		return Ending{Outcome: OutcomeUnknown, Error: lost(err)}
	}
	var app *temporal.ApplicationError
	var terminated *temporal.TerminatedError
	switch {
	case errors.As(err, &app):
		return Ending{Outcome: outcomeOf(app.Type()), Error: app.Message(), Type: app.Type()}
	case temporal.IsCanceledError(err):
		return cancelled(status)
	case errors.As(err, &terminated):
		return Ending{Outcome: board.OutcomeFailed, Error: "somebody terminated it: nothing was undone; deploy again to go on from there, or tear down"}
	}
	return Ending{Outcome: board.OutcomeFailed, Error: err.Error()}
}

func outcomeOf(kind string) string {
	switch kind {
	case board.TypeRolledBack:
		return board.OutcomeRolledBack
	case workflows.TypeBusy:
		return OutcomeBusy
	case string(failure.InvalidConfig), string(failure.NotFound):
		return board.OutcomeRefused
	}
	return board.OutcomeFailed
}

func cancelled(status *board.Status) Ending {
	switch {
	case status == nil:
		return Ending{Outcome: OutcomeCancelled, Error: "cancelled; what is left is unknown, because no worker answers: start a worker with `bin/worker` and ask again"}
	case status.Outcome == board.OutcomeRolledBack:
		return Ending{Outcome: board.OutcomeRolledBack, Error: status.Error, Type: board.TypeRolledBack}
	case status.Error != "":
		return Ending{Outcome: OutcomeCancelled, Error: status.Error}
	default:
		return Ending{Outcome: OutcomeCancelled, Error: "cancelled before anything was done"}
	}
}

// lost says why the end of an operation is not known.
func lost(err error) string {
	var absent *serviceerror.NotFound
	if errors.As(err, &absent) {
		return "Temporal does not know this run any more: " + err.Error()
	}
	var answered serviceerror.ServiceError
	if errors.As(err, &answered) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "Temporal does not answer any more: " + err.Error() + "; the operation goes on once it is back"
	}
	return "it has ended, but its result cannot be read: " + err.Error()
}
