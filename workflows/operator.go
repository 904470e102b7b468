package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
)

// Updates by which operators decide about a deployment that waits for them.
const (
	UpdateRetry    = "retry-step"
	UpdateSkip     = "skip-step"
	UpdateRollback = "rollback"
	UpdateApprove  = "approve"
)

// TypeInvalidDecision is the application error type of an Update that is refused. It has changed nothing.
const TypeInvalidDecision = "InvalidDecision"

// RetryStep is the input of [UpdateRetry].
type RetryStep struct {
	// Step may be left out if exactly one is paused, or with an environment.
	Step string `json:"step,omitempty"`
	// Environment is the changed environment, whole or by the name of its file. Then all steps are carried out again, in it.
	Environment *config.Reference `json:"environment,omitempty"`
	// Overrides is a JSON merge patch onto Environment, or, without that, onto the environment as it is now.
	Overrides config.Values `json:"overrides,omitempty"`
	By        string        `json:"by,omitempty"`
	Reason    string        `json:"reason,omitempty"`
}

// changes says whether the environment is to be another one.
func (r RetryStep) changes() bool { return r.Environment != nil || len(r.Overrides) > 0 }

func (r RetryStep) request(now config.Environment) Request {
	if r.Environment == nil {
		return Request{Environment: config.Inline(now), Overrides: r.Overrides}
	}
	return Request{Environment: *r.Environment, Overrides: r.Overrides}
}

// SkipStep is the input of [UpdateSkip]. Nothing may be left out.
type SkipStep struct {
	Step   string `json:"step"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Rollback is the input of [UpdateRollback].
type Rollback struct {
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Approve is the input of [UpdateApprove]. Nothing may be left out.
type Approve struct {
	Step   string `json:"step"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Answer says what follows from a decision.
type Answer struct {
	Step string `json:"step,omitempty"`
	Next string `json:"next"`
}

// open offers the Updates.
func (k *desk) open(ctx workflow.Context) error {
	for _, update := range []struct {
		name, description string
		handle, validate  any
	}{
		{UpdateRetry, "Try a paused step again, or all steps in a changed environment", k.retry, k.checkRetry},
		{UpdateSkip, "Go on without a paused step, where that is sound", k.skip, k.checkSkip},
		{UpdateRollback, "Undo what this run did, while a step is paused or awaits its approval", k.rollBack, k.checkRollBack},
		{UpdateApprove, "Let a step begin that awaits its approval", k.approve, k.checkApprove},
	} {
		options := workflow.UpdateHandlerOptions{Description: update.description, Validator: update.validate}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, update.name, update.handle, options); err != nil {
			return fmt.Errorf("offering the update %s: %w", update.name, err)
		}
	}
	return nil
}

func (k *desk) checkRetry(_ workflow.Context, in RetryStep) error {
	_, err := k.tried(in)
	return err
}

// tried is the step that is meant. In a changed environment all are, whichever of them are paused.
func (k *desk) tried(in RetryStep) (string, error) {
	if paused := k.board.status.In(StatePaused); in.Step == "" && in.changes() && len(paused) > 0 {
		in.Step = paused[0]
	}
	return k.named(in.Step, StatePaused)
}

func (k *desk) retry(ctx workflow.Context, in RetryStep) (Answer, error) {
	step, err := k.tried(in)
	if err != nil {
		return Answer{}, err
	}
	if in.changes() {
		return k.retryChanged(ctx, step, in)
	}
	k.record(ctx, activities.Decision{What: UpdateRetry, Step: step, By: in.By, Reason: in.Reason})
	k.decide(step, retried)
	k.board.reset(ctx, step)
	return Answer{Step: step, Next: "step " + step + " is tried again"}, nil
}

// retryChanged has all steps begin again. While the environment is checked the pause goes on, and somebody else may decide.
func (k *desk) retryChanged(ctx workflow.Context, step string, in RetryStep) (Answer, error) {
	changed, err := k.admit(ctx, in.request(*k.env))
	if _, decided := k.named(step, StatePaused); err != nil && decided != nil {
		return Answer{}, decided
	}
	if err != nil {
		return Answer{}, refused("the changed environment is refused, step %s stays paused: %s", step, message(err))
	}
	if _, err := k.named(step, StatePaused); err != nil {
		return Answer{}, err
	}
	k.record(ctx, activities.Decision{What: UpdateRetry, Step: step, By: in.By, Reason: in.Reason, Changed: true})
	k.changed = &changed
	return Answer{Step: step, Next: "all steps are carried out again in the changed environment, once those that are under way have ended"}, nil
}

func (k *desk) checkSkip(_ workflow.Context, in SkipStep) error {
	step, err := k.named(in.Step, StatePaused)
	if err != nil {
		return err
	}
	if k.board.row(step).Skippable == "" {
		return refused("step %s cannot be skipped, what follows needs it: try it again with %s, or give up with %s; skippable are %s",
			step, UpdateRetry, UpdateRollback, strings.Join(k.skippable(), ", "))
	}
	return signed(in.By, in.Reason)
}

func (k *desk) skip(ctx workflow.Context, in SkipStep) (Answer, error) {
	step, err := k.named(in.Step, StatePaused)
	if err != nil {
		return Answer{}, err
	}
	k.record(ctx, activities.Decision{What: UpdateSkip, Step: step, By: in.By, Reason: in.Reason})
	k.decide(step, skipped)
	k.board.skipped(ctx, step, in.By+": "+in.Reason)
	return Answer{Step: step, Next: "the deployment goes on without step " + step + ": " + k.board.row(step).Skippable}, nil
}

func (k *desk) checkRollBack(_ workflow.Context, _ Rollback) error {
	if k.waiting() == "" || k.startsOver() || k.givenUp != nil {
		return refused("nothing waits for a decision, the operation is %s: cancel it instead (`lockstep cancel %s`), which undoes what it did",
			k.board.status.Phase, k.board.status.Environment)
	}
	return nil
}

func (k *desk) rollBack(ctx workflow.Context, in Rollback) (Answer, error) {
	k.record(ctx, activities.Decision{What: UpdateRollback, By: in.By, Reason: in.Reason})
	k.givenUp = &stop{text: and(k.waiting(), strings.TrimSuffix("rolled back by "+someone(in.By)+": "+in.Reason, ": "))}
	return Answer{Next: "what is under way is stopped, and all that this run did is undone"}, nil
}

func (k *desk) checkApprove(_ workflow.Context, in Approve) error {
	if _, err := k.named(in.Step, StateAwaitingApproval); err != nil {
		return err
	}
	return signed(in.By, in.Reason)
}

func (k *desk) approve(ctx workflow.Context, in Approve) (Answer, error) {
	step, err := k.named(in.Step, StateAwaitingApproval)
	if err != nil {
		return Answer{}, err
	}
	k.record(ctx, activities.Decision{What: UpdateApprove, Step: step, By: in.By, Reason: in.Reason})
	k.decide(step, approved)
	k.passed = append(k.passed, step)
	k.board.reset(ctx, step)
	return Answer{Step: step, Next: "step " + step + " begins"}, nil
}

func (k *desk) record(ctx workflow.Context, decision activities.Decision) {
	decision.At = workflow.Now(ctx)
	k.board.decided(ctx, decision)
}

// named finds the step that is meant among those in a state in which an operator is waited for. No name means the only one.
func (k *desk) named(step, state string) (string, error) {
	there, status := k.board.status.In(state), k.board.status
	if k.startsOver() || k.givenUp != nil {
		there = nil // they are decided about
	}
	waiting := map[string]string{StatePaused: "is paused", StateAwaitingApproval: "awaits its approval"}[state]
	switch {
	case len(there) == 0:
		return "", refused("no step %s, the operation is %s: `lockstep status %s` shows what it does", waiting, status.Phase, status.Environment)
	case step == "" && len(there) == 1 && state == StatePaused:
		return there[0], nil
	case step == "":
		return "", refused("step is missing: name one of %s", strings.Join(there, ", "))
	case slices.Contains(there, step):
		return step, nil
	case !k.board.has(step):
		return "", refused("there is no step %q: name one of %s", step, strings.Join(there, ", "))
	}
	return "", refused("step %s is %s: name one that %s: %s", step, k.board.state(step), waiting, strings.Join(there, ", "))
}

func (k *desk) skippable() (names []string) {
	for _, row := range k.board.status.Steps {
		if row.Skippable != "" {
			names = append(names, row.Name)
		}
	}
	return names
}

// signed wants a decision to say who made it and why, for those who read the report.
func signed(by, reason string) error {
	switch {
	case strings.TrimSpace(by) == "":
		return refused("by is missing: write who decides, for the report")
	case strings.TrimSpace(reason) == "":
		return refused("reason is missing: write why, for the report")
	}
	return nil
}

func someone(by string) string {
	if by == "" {
		return "an operator"
	}
	return by
}

func refused(format string, args ...any) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), TypeInvalidDecision, nil)
}
