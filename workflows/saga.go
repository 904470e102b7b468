package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// compensate undoes the steps that began, last first, in a context that the operation's cancellation does not reach.
// A step that cannot be undone is reported and the others go on.
func (r *runner) compensate(ctx workflow.Context) error {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.board.phase(ctx, PhaseCompensating)
	var left []string
	for i := len(r.entered) - 1; i >= 0; i-- {
		s := r.entered[i]
		if s.undo == nil {
			continue
		}
		r.board.undoing(ctx, s.name)
		if err := s.undo(r.within(ctx, s.name)); err != nil {
			r.board.undoFailed(ctx, s.name, err)
			left = append(left, fmt.Sprintf("%s: %s", s.name, message(err)))
			continue
		}
		r.board.undone(ctx, s.name)
	}
	if len(left) > 0 {
		return fmt.Errorf("not everything could be undone: %s", strings.Join(left, "; "))
	}
	return nil
}

// changedSomething says whether a step began that has something to undo.
func (r *runner) changedSomething() bool {
	return slices.ContainsFunc(r.entered, func(s step) bool { return s.undo != nil })
}
