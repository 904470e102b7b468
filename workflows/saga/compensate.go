package saga

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/board"
)

// Compensate undoes the steps that began, last first, in a context that the operation's cancellation does not reach.
// A step that cannot be undone is reported, with how to do it by hand, and the others go on.
func (r *Runner) Compensate(ctx workflow.Context) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.Board.SetPhase(ctx, board.PhaseCompensating)
	var left []string
	for i := len(r.entered) - 1; i >= 0; i-- {
		s := r.entered[i]
		if s.Undo == nil {
			continue
		}
		r.Board.Undoing(ctx, s.Name)
		if err := s.Undo(r.Within(ctx, s.Name)); err != nil {
			why := s.byHAnd(board.Message(err))
			r.Board.UndoFailed(ctx, s.Name, why)
			left = append(left, fmt.Sprintf("%s: %s", s.Name, why))
			continue
		}
		r.Board.Undone(ctx, s.Name)
	}
	if len(left) > 0 {
		return fmt.Errorf("not everything could be undone:\n%s", strings.Join(left, "\n"))
	}
	return nil
}

// byHand adds the step's remedy to why it could not be undone, unless that names one.
func (s Step) byHAnd(why string) string {
	if s.Remedy == nil || strings.Contains(why, "`kubectl ") || strings.Contains(why, "`helm ") {
		return why
	}
	remedy := s.Remedy()
	if remedy == "" {
		return why
	}
	return And(why, "to finish by hand: "+remedy)
}

// changedSomething says whether a step began that has something to undo.
func (r *Runner) changedSomething() bool {
	return slices.ContainsFunc(r.entered, func(s Step) bool { return s.Undo != nil })
}
