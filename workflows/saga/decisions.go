package saga

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/workflows/board"
)

// verdict is what becomes of a step that waited for an operator.
type verdict int

const (
	undecided verdict = iota
	approved
	retried
	skipped
	again   // with all other steps, in a changed environment
	givenUp // with the whole operation
)

// Decisions are what operators are asked for, about steps that wait for them. Nil asks nobody.
type Decisions struct {
	// Env is the environment as it is now: failure policy, gates and patience.
	Env *config.Environment
	// Admit checks an environment with overrides, which an operator wants instead. It changes nothing.
	Admit func(workflow.Context, environments.Reference, config.Values) (config.Environment, error)
	// Take takes a changed environment over.
	Take func(config.Environment)

	board *board.Board

	verdicts map[string]verdict
	passed   []string            // gates that were approved
	changed  *config.Environment // with which all begins again
	givenUp  *stop
}

func (d *Decisions) pauses() bool { return d != nil && d.Env.OnFailure == config.OnFailurePause }

func (d *Decisions) guards(step string) bool {
	return d != nil && slices.Contains(d.Env.Approvals, step) && !slices.Contains(d.passed, step)
}

// deadline is until when a step that begins to wait now is waited for.
func (d *Decisions) deadline(ctx workflow.Context) time.Time {
	return workflow.Now(ctx).Add(time.Duration(d.Env.Timeouts.Decision))
}

// ask waits for the verdict on a step. Without one in time everything is given up; the error then says why, as it does when an
// operator gives up or the operation is cancelled.
func (d *Decisions) ask(ctx workflow.Context, step string) (verdict, error) {
	delete(d.verdicts, step)
	patience := d.Env.Timeouts.Decision
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: time.Duration(patience), TimerOptions: workflow.TimerOptions{Summary: "wait for a decision about " + step},
	}, func() bool { return d.verdict(step) != undecided })
	if err != nil {
		return givenUp, err
	}
	if d.verdict(step) == undecided {
		d.givenUp = &stop{text: And(d.waiting(), fmt.Sprintf("nobody decided within %s (timeouts.decision)", patience))}
	}
	switch v := d.verdict(step); v {
	case again:
		return v, errAgain
	case givenUp:
		return v, d.givenUp
	default:
		return v, nil
	}
}

func (d *Decisions) verdict(step string) verdict {
	switch {
	case d.givenUp != nil:
		return givenUp
	case d.changed != nil:
		return again
	default:
		return d.verdicts[step]
	}
}

// GaveUp says whether the whole operation is given up.
func (d *Decisions) GaveUp() bool { return d != nil && d.givenUp != nil }

// startsOver says whether no step may begin or be asked about any more, since all begin again.
func (d *Decisions) startsOver() bool { return d != nil && d.changed != nil }

// startOver takes the changed environment over. What was approved or skipped was so in another environment.
func (d *Decisions) startOver(ctx workflow.Context) {
	d.Take(*d.changed)
	d.changed, d.passed, d.verdicts = nil, nil, nil
	for _, row := range d.board.Status.Steps {
		d.board.Reset(ctx, row.Name)
	}
}

// decide takes the verdict on one step.
func (d *Decisions) decide(step string, v verdict) {
	if d.verdicts == nil {
		d.verdicts = map[string]verdict{}
	}
	d.verdicts[step] = v
}

// waiting says of every step that waits for an operator why.
func (d *Decisions) waiting() string {
	var all []string
	for _, row := range d.board.Status.Steps {
		switch row.State {
		case board.StatePaused:
			all = append(all, fmt.Sprintf("step %s failed: %s", row.Name, row.Error))
		case board.StateAwaitingApproval:
			all = append(all, fmt.Sprintf("step %s was not approved", row.Name))
		}
	}
	return strings.Join(all, "\n")
}
