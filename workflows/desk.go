package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/config"
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

// desk is where operators decide about steps that wait for them. A nil desk asks nobody.
type desk struct {
	board *board
	env   *config.Environment // as it is now: failure policy, gates and patience
	// admit checks a changed environment. It changes nothing.
	admit func(workflow.Context, Request) (config.Environment, error)
	// take takes a changed environment over.
	take func(config.Environment)

	verdicts map[string]verdict
	passed   []string            // gates that were approved
	changed  *config.Environment // with which all begins again
	givenUp  *stop
}

func (k *desk) pauses() bool { return k != nil && k.env.OnFailure == config.OnFailurePause }

func (k *desk) guards(step string) bool {
	return k != nil && slices.Contains(k.env.Approvals, step) && !slices.Contains(k.passed, step)
}

// deadline is until when a step that begins to wait now is waited for.
func (k *desk) deadline(ctx workflow.Context) time.Time {
	return workflow.Now(ctx).Add(time.Duration(k.env.Timeouts.Decision))
}

// ask waits for the verdict on a step. Without one in time everything is given up; the error then says why, as it does when an
// operator gives up or the operation is cancelled.
func (k *desk) ask(ctx workflow.Context, step string) (verdict, error) {
	delete(k.verdicts, step)
	patience := k.env.Timeouts.Decision
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: time.Duration(patience), TimerOptions: workflow.TimerOptions{Summary: "wait for a decision about " + step},
	}, func() bool { return k.verdict(step) != undecided })
	if err != nil {
		return givenUp, err
	}
	if k.verdict(step) == undecided {
		k.givenUp = &stop{text: and(k.waiting(), fmt.Sprintf("nobody decided within %s (timeouts.decision)", patience))}
	}
	switch v := k.verdict(step); v {
	case again:
		return v, errAgain
	case givenUp:
		return v, k.givenUp
	default:
		return v, nil
	}
}

func (k *desk) verdict(step string) verdict {
	switch {
	case k.givenUp != nil:
		return givenUp
	case k.changed != nil:
		return again
	default:
		return k.verdicts[step]
	}
}

// gaveUp says whether the whole operation is given up.
func (k *desk) gaveUp() bool { return k != nil && k.givenUp != nil }

// startsOver says whether no step may begin or be asked about any more, since all begin again.
func (k *desk) startsOver() bool { return k != nil && k.changed != nil }

// startOver takes the changed environment over. What was approved or skipped was so in another environment.
func (k *desk) startOver(ctx workflow.Context) {
	k.take(*k.changed)
	k.changed, k.passed, k.verdicts = nil, nil, nil
	for _, row := range k.board.status.Steps {
		k.board.reset(ctx, row.Name)
	}
}

// decide takes the verdict on one step.
func (k *desk) decide(step string, v verdict) {
	if k.verdicts == nil {
		k.verdicts = map[string]verdict{}
	}
	k.verdicts[step] = v
}

// waiting says of every step that waits for an operator why.
func (k *desk) waiting() string {
	var all []string
	for _, row := range k.board.status.Steps {
		switch row.State {
		case StatePaused:
			all = append(all, fmt.Sprintf("step %s failed: %s", row.Name, row.Error))
		case StateAwaitingApproval:
			all = append(all, fmt.Sprintf("step %s was not approved", row.Name))
		}
	}
	return strings.Join(all, "\n")
}
