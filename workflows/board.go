package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
)

// Search attributes of every operation, all of type Keyword.
var (
	AttributeEnvironment = temporal.NewSearchAttributeKeyKeyword("Environment")
	AttributeOperation   = temporal.NewSearchAttributeKeyKeyword("Operation")
	AttributePhase       = temporal.NewSearchAttributeKeyKeyword("Phase")
	AttributeOutcome     = temporal.NewSearchAttributeKeyKeyword("Outcome")
)

// board is the progress of one operation: the status query, the details in the Temporal UI and the search attributes.
type board struct {
	status Status
	rows   map[string]int
}

func newBoard(ctx workflow.Context, environment, operation string, steps []step) (*board, error) {
	b := &board{
		status: Status{Environment: environment, Operation: operation, Phase: PhaseRunning, Started: workflow.Now(ctx)},
		rows:   map[string]int{},
	}
	for i, s := range steps {
		b.rows[s.name] = i
		b.status.Steps = append(b.status.Steps, StepStatus{Name: s.name, Summary: s.summary, Needs: s.needs, State: StateWaiting, Skippable: s.skippable})
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (Status, error) { return b.status, nil },
		workflow.QueryHandlerOptions{Description: "The steps of this operation with state, duration and notes."})
	if err != nil {
		return nil, fmt.Errorf("offering the status query: %w", err)
	}
	b.show(ctx)
	return b, workflow.UpsertTypedSearchAttributes(ctx, AttributeEnvironment.ValueSet(environment),
		AttributeOperation.ValueSet(operation), AttributePhase.ValueSet(PhaseRunning),
		AttributeOutcome.ValueUnset()) // the UI's form fills in that of an earlier run
}

func (b *board) begin(ctx workflow.Context, name string) {
	now := workflow.Now(ctx)
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Started, s.Ended, s.Note, s.Error = StateRunning, &now, nil, "", "" })
}

// reset is for a step that begins later, for the first time or again.
func (b *board) reset(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Started, s.Ended, s.Note, s.Error = StateWaiting, nil, nil, "", "" })
}

func (b *board) awaiting(ctx workflow.Context, name string, until time.Time) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Until = StateAwaitingApproval, &until })
}

func (b *board) paused(ctx workflow.Context, name string, err error, until time.Time) {
	b.end(ctx, name, func(s *StepStatus) { s.State, s.Error, s.Until = StatePaused, message(err), &until })
}

// skipped leaves the error where it is: it is what was done without.
func (b *board) skipped(ctx workflow.Context, name, why string) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Note = StateSkipped, "skipped by "+why })
}

func (b *board) decided(ctx workflow.Context, decision activities.Decision) {
	b.status.Decisions = append(b.status.Decisions, decision)
	b.show(ctx)
}

func (b *board) done(ctx workflow.Context, name, note string) {
	b.end(ctx, name, func(s *StepStatus) { s.State, s.Note = StateDone, note })
}

func (b *board) failed(ctx workflow.Context, name string, err error) {
	b.end(ctx, name, func(s *StepStatus) {
		s.State, s.Error = StateFailed, message(err)
		if temporal.IsCanceledError(err) {
			s.State, s.Error = StateCancelled, ""
		}
	})
}

func (b *board) undoing(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State = StateUndoing })
}

func (b *board) undone(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State = StateUndone })
}

func (b *board) undoFailed(ctx workflow.Context, name, why string) {
	b.change(ctx, name, func(s *StepStatus) {
		s.State = StateUndoFailed
		s.Error = strings.TrimPrefix(s.Error+"; undo: "+why, "; ")
	})
}

func (b *board) row(name string) StepStatus { return b.status.Steps[b.rows[name]] }

func (b *board) state(name string) string { return b.row(name).State }

func (b *board) has(name string) bool {
	_, there := b.rows[name]
	return there
}

func (b *board) end(ctx workflow.Context, name string, change func(*StepStatus)) {
	now := workflow.Now(ctx)
	b.change(ctx, name, func(s *StepStatus) {
		s.Ended = &now
		change(s)
	})
}

func (b *board) change(ctx workflow.Context, name string, change func(*StepStatus)) {
	row := &b.status.Steps[b.rows[name]]
	change(row)
	if row.State != StatePaused && row.State != StateAwaitingApproval {
		row.Until = nil
	}
	if now := b.waitsFor(); now != b.status.Phase {
		b.phase(ctx, now)
		return
	}
	b.show(ctx)
}

// waitsFor is the phase that follows from the steps, while they are carried out.
func (b *board) waitsFor() string {
	switch {
	case b.status.Phase == PhaseCompensating, b.status.Phase == PhaseEnded:
		return b.status.Phase
	case len(b.status.In(StatePaused)) > 0:
		return PhasePaused
	case len(b.status.In(StateAwaitingApproval)) > 0:
		return PhaseAwaitingApproval
	default:
		return PhaseRunning
	}
}

// phase moves the operation on; the search attribute follows.
func (b *board) phase(ctx workflow.Context, phase string) {
	b.status.Phase = phase
	b.show(ctx)
	b.upsert(ctx, AttributePhase.ValueSet(phase))
}

// close ends the operation.
func (b *board) close(ctx workflow.Context, outcome string, err error) {
	now := workflow.Now(ctx)
	b.status.Phase, b.status.Outcome, b.status.Ended = PhaseEnded, outcome, &now
	if err != nil {
		b.status.Error = message(err)
	}
	b.show(ctx)
	b.upsert(ctx, AttributePhase.ValueSet(PhaseEnded), AttributeOutcome.ValueSet(outcome))
}

func (b *board) upsert(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Warn("Search attributes not updated", "error", err)
	}
}

func (b *board) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, markdown(b.status))
}

// message is what an operator should read of an activity's error: the application's own words, without the wrapping
// that names activities and attempts.
func message(err error) string {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return overtime(timeout)
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	return err.Error()
}

// overtime speaks of the last attempt, if there was one, at its end: that is the part that may be long.
func overtime(timeout *temporal.TimeoutError) string {
	text := "timed out (" + timeout.TimeoutType().String() + ")"
	if cause := errors.Unwrap(timeout); cause != nil {
		return text + "; the last attempt said: " + message(cause)
	}
	return text + "; is a worker running? raise the step's timeout if it was still at work"
}
