package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// compensate undoes the steps that began, last first, in a context that the operation's cancellation does not reach.
// A step that cannot be undone is reported, with how to do it by hand, and the others go on.
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
			why := s.byHand(message(err))
			r.board.undoFailed(ctx, s.name, why)
			left = append(left, fmt.Sprintf("%s: %s", s.name, why))
			continue
		}
		r.board.undone(ctx, s.name)
	}
	if len(left) > 0 {
		return fmt.Errorf("not everything could be undone:\n%s", strings.Join(left, "\n"))
	}
	return nil
}

// byHand adds the step's remedy to why it could not be undone, unless that names one.
func (s step) byHand(why string) string {
	if s.remedy == nil || strings.Contains(why, "`kubectl ") || strings.Contains(why, "`helm ") {
		return why
	}
	remedy := s.remedy()
	if remedy == "" {
		return why
	}
	return and(why, "to finish by hand: "+remedy)
}

// changedSomething says whether a step began that has something to undo.
func (r *runner) changedSomething() bool {
	return slices.ContainsFunc(r.entered, func(s step) bool { return s.undo != nil })
}
