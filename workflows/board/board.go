// Package board is the progress of an operation: what its status query answers, what the Temporal UI shows, and its search attributes.
package board

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
)

// Board is the progress of one operation: the status query, the details in the Temporal UI and the search attributes.
type Board struct {
	Status Status
	rows   map[string]int
}

// New is the board of an operation on an environment, whose steps have not begun.
func New(ctx workflow.Context, environment, operation string, steps []StepStatus) (*Board, error) {
	b := &Board{
		Status: Status{Environment: environment, Operation: operation, Phase: PhaseRunning, Started: workflow.Now(ctx), Steps: steps},
		rows:   map[string]int{},
	}
	for i, s := range steps {
		b.rows[s.Name] = i
	}
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (Status, error) { return b.Status, nil },
		workflow.QueryHandlerOptions{Description: "The steps of this operation with state, duration and notes."})
	if err != nil {
		return nil, fmt.Errorf("offering the status query: %w", err)
	}
	b.show(ctx)
	return b, workflow.UpsertTypedSearchAttributes(ctx, AttributeEnvironment.ValueSet(environment),
		AttributeOperation.ValueSet(operation), AttributePhase.ValueSet(PhaseRunning),
		AttributeOutcome.ValueUnset()) // the UI's form fills in that of an earlier run
}

func (b *Board) Begin(ctx workflow.Context, name string) {
	now := workflow.Now(ctx)
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Started, s.Ended, s.Note, s.Error = StateRunning, &now, nil, "", "" })
}

// reset is for a step that begins later, for the first time or again.
func (b *Board) Reset(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Started, s.Ended, s.Note, s.Error = StateWaiting, nil, nil, "", "" })
}

func (b *Board) Awaiting(ctx workflow.Context, name string, until time.Time) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Until = StateAwaitingApproval, &until })
}

func (b *Board) Paused(ctx workflow.Context, name string, err error, until time.Time) {
	b.end(ctx, name, func(s *StepStatus) { s.State, s.Error, s.Until = StatePaused, Message(err), &until })
}

// skipped leaves the error where it is: it is what was done without.
func (b *Board) Skipped(ctx workflow.Context, name, why string) {
	b.change(ctx, name, func(s *StepStatus) { s.State, s.Note = StateSkipped, "skipped by "+why })
}

func (b *Board) Decided(ctx workflow.Context, decision activities.Decision) {
	b.Status.Decisions = append(b.Status.Decisions, decision)
	b.show(ctx)
}

func (b *Board) Done(ctx workflow.Context, name, note string) {
	b.end(ctx, name, func(s *StepStatus) { s.State, s.Note = StateDone, note })
}

func (b *Board) Failed(ctx workflow.Context, name string, err error) {
	b.end(ctx, name, func(s *StepStatus) {
		s.State, s.Error = StateFailed, Message(err)
		if temporal.IsCanceledError(err) {
			s.State, s.Error = StateCancelled, ""
		}
	})
}

func (b *Board) Undoing(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State = StateUndoing })
}

func (b *Board) Undone(ctx workflow.Context, name string) {
	b.change(ctx, name, func(s *StepStatus) { s.State = StateUndone })
}

func (b *Board) UndoFailed(ctx workflow.Context, name, why string) {
	b.change(ctx, name, func(s *StepStatus) {
		s.State = StateUndoFailed
		s.Error = strings.TrimPrefix(s.Error+"; undo: "+why, "; ")
	})
}

func (b *Board) Row(name string) StepStatus { return b.Status.Steps[b.rows[name]] }

func (b *Board) State(name string) string { return b.Row(name).State }

func (b *Board) Has(name string) bool {
	_, there := b.rows[name]
	return there
}

func (b *Board) end(ctx workflow.Context, name string, change func(*StepStatus)) {
	now := workflow.Now(ctx)
	b.change(ctx, name, func(s *StepStatus) {
		s.Ended = &now
		change(s)
	})
}

func (b *Board) change(ctx workflow.Context, name string, change func(*StepStatus)) {
	row := &b.Status.Steps[b.rows[name]]
	change(row)
	if row.State != StatePaused && row.State != StateAwaitingApproval {
		row.Until = nil
	}
	if now := b.waitsFor(); now != b.Status.Phase {
		b.SetPhase(ctx, now)
		return
	}
	b.show(ctx)
}

// waitsFor is the phase that follows from the steps, while they are carried out.
func (b *Board) waitsFor() string {
	switch {
	case b.Status.Phase == PhaseCompensating, b.Status.Phase == PhaseEnded:
		return b.Status.Phase
	case len(b.Status.In(StatePaused)) > 0:
		return PhasePaused
	case len(b.Status.In(StateAwaitingApproval)) > 0:
		return PhaseAwaitingApproval
	default:
		return PhaseRunning
	}
}

// phase moves the operation on; the search attribute follows.
func (b *Board) SetPhase(ctx workflow.Context, phase string) {
	b.Status.Phase = phase
	b.show(ctx)
	b.upsert(ctx, AttributePhase.ValueSet(phase))
}

// close ends the operation.
func (b *Board) Close(ctx workflow.Context, outcome string, err error) {
	now := workflow.Now(ctx)
	b.Status.Phase, b.Status.Outcome, b.Status.Ended = PhaseEnded, outcome, &now
	if err != nil {
		b.Status.Error = Message(err)
	}
	b.show(ctx)
	b.upsert(ctx, AttributePhase.ValueSet(PhaseEnded), AttributeOutcome.ValueSet(outcome))
}

func (b *Board) upsert(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) {
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Warn("Search attributes not updated", "error", err)
	}
}

func (b *Board) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, Markdown(b.Status))
}

// Message is what an operator should read of an activity's error: the application's own words, without the wrapping
// that names activities and attempts.
func Message(err error) string {
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
		return text + "; the last attempt said: " + Message(cause)
	}
	return text + "; is a worker running? raise the step's timeout if it was still at work"
}
