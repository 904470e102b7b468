package saga

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config/environments"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
)

// Ask has operators asked from now on: it offers the Updates.
func (r *Runner) Ask(ctx workflow.Context, d Decisions) error {
	d.board = r.Board
	r.Decisions = &d
	return r.Decisions.offer(ctx)
}

func (d *Decisions) offer(ctx workflow.Context) error {
	for _, update := range []struct {
		name, description string
		handle, validate  any
	}{
		{decision.UpdateRetry, "Try a paused step again, or all steps in a changed environment", d.retry, d.checkRetry},
		{decision.UpdateSkip, "Go on without a paused step, where that is sound", d.skip, d.checkSkip},
		{decision.UpdateRollback, "Undo what this run did, while a step is paused or awaits its approval", d.rollBack, d.checkRollBack},
		{decision.UpdateApprove, "Let a step begin that awaits its approval", d.approve, d.checkApprove},
	} {
		options := workflow.UpdateHandlerOptions{Description: update.description, Validator: update.validate}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, update.name, update.handle, options); err != nil {
			return fmt.Errorf("offering the update %s: %w", update.name, err)
		}
	}
	return nil
}

func (d *Decisions) checkRetry(_ workflow.Context, in decision.RetryStep) error {
	_, err := d.tried(in)
	return err
}

// tried is the step that is meant. In a changed environment all are, whichever of them are paused.
func (d *Decisions) tried(in decision.RetryStep) (string, error) {
	if paused := d.board.Status.In(board.StatePaused); in.Step == "" && in.Changes() && len(paused) > 0 {
		in.Step = paused[0]
	}
	return d.named(in.Step, board.StatePaused)
}

func (d *Decisions) retry(ctx workflow.Context, in decision.RetryStep) (decision.Answer, error) {
	step, err := d.tried(in)
	if err != nil {
		return decision.Answer{}, err
	}
	if in.Changes() {
		return d.retryChanged(ctx, step, in)
	}
	d.record(ctx, activities.Decision{What: decision.UpdateRetry, Step: step, By: in.By, Reason: in.Reason})
	d.decide(step, retried)
	d.board.Reset(ctx, step)
	return decision.Answer{Step: step, Next: "step " + step + " is tried again"}, nil
}

// retryChanged has all steps begin again. While the environment is checked the pause goes on, and somebody else may decide.
func (d *Decisions) retryChanged(ctx workflow.Context, step string, in decision.RetryStep) (decision.Answer, error) {
	wanted := environments.Inline(*d.Env)
	if in.Environment != nil {
		wanted = *in.Environment
	}
	changed, err := d.Admit(ctx, wanted, in.Overrides)
	if _, decided := d.named(step, board.StatePaused); err != nil && decided != nil {
		return decision.Answer{}, decided
	}
	if err != nil {
		return decision.Answer{}, decision.Refused("the changed environment is refused, and step %s stays paused: %s", step, board.Message(err))
	}
	if _, err := d.named(step, board.StatePaused); err != nil {
		return decision.Answer{}, err
	}
	d.record(ctx, activities.Decision{What: decision.UpdateRetry, Step: step, By: in.By, Reason: in.Reason, Changed: true})
	d.changed = &changed
	return decision.Answer{Step: step, Next: "all steps are carried out again in the changed environment, once those that are under way have ended"}, nil
}

func (d *Decisions) checkSkip(_ workflow.Context, in decision.SkipStep) error {
	step, err := d.named(in.Step, board.StatePaused)
	if err != nil {
		return err
	}
	if d.board.Row(step).Skippable == "" {
		return decision.Refused("step %s cannot be skipped, because later steps need it: try it again with %s, or undo this run with %s; skippable are %s",
			step, decision.UpdateRetry, decision.UpdateRollback, strings.Join(d.skippable(), ", "))
	}
	return signed(in.By, in.Reason)
}

func (d *Decisions) skip(ctx workflow.Context, in decision.SkipStep) (decision.Answer, error) {
	step, err := d.named(in.Step, board.StatePaused)
	if err != nil {
		return decision.Answer{}, err
	}
	d.record(ctx, activities.Decision{What: decision.UpdateSkip, Step: step, By: in.By, Reason: in.Reason})
	d.decide(step, skipped)
	d.board.Skipped(ctx, step, in.By+": "+in.Reason)
	return decision.Answer{Step: step, Next: "the deployment goes on without step " + step + ": " + d.board.Row(step).Skippable}, nil
}

func (d *Decisions) checkRollBack(_ workflow.Context, _ decision.Rollback) error {
	if d.waiting() == "" || d.startsOver() || d.givenUp != nil {
		return decision.Refused("no step waits for a decision, the operation is %s: cancel it with `lockstep cancel %s`, which undoes what it did",
			d.board.Status.Phase, d.board.Status.Environment)
	}
	return nil
}

func (d *Decisions) rollBack(ctx workflow.Context, in decision.Rollback) (decision.Answer, error) {
	d.record(ctx, activities.Decision{What: decision.UpdateRollback, By: in.By, Reason: in.Reason})
	d.givenUp = &stop{text: And(d.waiting(), strings.TrimSuffix("rolled back by "+decision.Who(in.By)+": "+in.Reason, ": "))}
	return decision.Answer{Next: "what is under way is stopped, and all that this run did is undone"}, nil
}

func (d *Decisions) checkApprove(_ workflow.Context, in decision.Approve) error {
	if _, err := d.named(in.Step, board.StateAwaitingApproval); err != nil {
		return err
	}
	return signed(in.By, in.Reason)
}

func (d *Decisions) approve(ctx workflow.Context, in decision.Approve) (decision.Answer, error) {
	step, err := d.named(in.Step, board.StateAwaitingApproval)
	if err != nil {
		return decision.Answer{}, err
	}
	d.record(ctx, activities.Decision{What: decision.UpdateApprove, Step: step, By: in.By, Reason: in.Reason})
	d.decide(step, approved)
	d.passed = append(d.passed, step)
	d.board.Reset(ctx, step)
	return decision.Answer{Step: step, Next: "step " + step + " begins"}, nil
}

func (d *Decisions) record(ctx workflow.Context, decision activities.Decision) {
	decision.At = workflow.Now(ctx)
	d.board.Decided(ctx, decision)
}

// named finds the step that is meant among those in a state in which an operator is waited for. No name means the only one.
func (d *Decisions) named(step, state string) (string, error) {
	there, status := d.board.Status.In(state), d.board.Status
	if d.startsOver() || d.givenUp != nil {
		there = nil // they are decided about
	}
	waiting := map[string]string{board.StatePaused: "is paused", board.StateAwaitingApproval: "awaits its approval"}[state]
	switch {
	case len(there) == 0:
		return "", decision.Refused("no step %s, the operation is %s: `lockstep status %s` shows what it does", waiting, status.Phase, status.Environment)
	case step == "" && len(there) == 1 && state == board.StatePaused:
		return there[0], nil
	case step == "":
		return "", decision.Refused("step is missing: name one of %s", strings.Join(there, ", "))
	case slices.Contains(there, step):
		return step, nil
	case !d.board.Has(step):
		return "", decision.Refused("there is no step %q: name one of %s", step, strings.Join(there, ", "))
	}
	return "", decision.Refused("step %s is %s: name one that %s: %s", step, d.board.State(step), waiting, strings.Join(there, ", "))
}

func (d *Decisions) skippable() (names []string) {
	for _, row := range d.board.Status.Steps {
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
		return decision.Refused("by is missing: write who decides, for the report")
	case strings.TrimSpace(reason) == "":
		return decision.Refused("reason is missing: write why, for the report")
	}
	return nil
}
