package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// View is a board with what the steps under way say of themselves.
type View struct {
	Status board.Status      `json:"status"`
	Doing  map[string]string `json:"doing,omitempty"` // by step
	Next   []string          `json:"next,omitempty"`  // commands that an operator may run, of what waits for a decision
}

// ErrNoBoard is the answer of an operation that has not looked at its input yet, or that was refused for it.
var ErrNoBoard = errors.New("it has no steps yet")

// answerTimeout is how long a worker may take to show a board.
const answerTimeout = 5 * time.Second

// View is the board of an operation. A worker must answer, also of one that has ended.
func (c Client) View(ctx context.Context, o Operation) (View, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	id := workflows.CanonicalID(o.Environment)
	answer, err := c.QueryWorkflow(ctx, id, o.ID, board.QueryStatus)
	var failed *serviceerror.QueryFailed
	if errors.As(err, &failed) {
		return View{}, ErrNoBoard
	}
	if err != nil {
		return View{}, unavailable("no worker answers (%w): start a worker with `bin/worker`", err)
	}
	view := View{Doing: map[string]string{}}
	if err := answer.Get(&view.Status); err != nil {
		return view, fmt.Errorf("reading the status: %w", err)
	}
	view.Next = Commands(view.Status)
	if view.Status.Phase == board.PhaseEnded {
		return view, nil
	}
	d, err := c.DescribeWorkflowExecution(ctx, id, o.ID)
	if err != nil {
		return view, nil // the board alone will do
	}
	for _, pending := range d.GetPendingActivities() {
		text := ""
		_ = c.DataConverter.FromPayloads(pending.GetHeartbeatDetails(), &text)
		if failure := pending.GetLastFailure(); failure != nil {
			text = fmt.Sprintf("attempt %d: %s", pending.GetAttempt(), c.Message(failure))
		}
		view.Doing[call.StepOf(pending.GetActivityId())] = text
	}
	return view, nil
}

// Result waits until an operation has ended, and is what it gave back. [End] says what an error means.
func (c Client) Result(ctx context.Context, o Operation) (json.RawMessage, error) {
	var result json.RawMessage
	err := c.GetWorkflow(ctx, workflows.CanonicalID(o.Environment), o.ID).Get(ctx, &result)
	return result, err
}

// Commands are what an operator may run next of an operation that waits for a decision; none if it does not.
func Commands(s board.Status) []string {
	var all []string
	for _, row := range s.Steps {
		switch row.State {
		case board.StatePaused:
			all = append(all, fmt.Sprintf("lockstep retry %s %s", s.Environment, row.Name))
			if row.Skippable != "" {
				all = append(all, fmt.Sprintf(`lockstep skip %s %s --reason "…"`, s.Environment, row.Name))
			}
		case board.StateAwaitingApproval:
			all = append(all, fmt.Sprintf(`lockstep approve %s %s --reason "…"`, s.Environment, row.Name))
		}
	}
	if len(all) == 0 {
		return nil
	}
	if s.Phase == board.PhasePaused {
		all = append(all, fmt.Sprintf("lockstep retry %s -f CHANGED.yaml", s.Environment))
	}
	return append(all, "lockstep rollback "+s.Environment)
}
