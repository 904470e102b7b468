package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// RebuildInput is the input of [Rebuild].
type RebuildInput = Input[RebuildOptions]

// RebuildOptions are what can be said of a rebuild beside the environment.
type RebuildOptions struct {
	// Mode is [operation.Fresh], the default, or [operation.InPlace].
	Mode string `json:"mode,omitempty"`
	// Purge has a fresh rebuild keep nothing of what Lockstep made, as [TeardownOptions] says: the environment gets new keys.
	Purge bool `json:"purge,omitempty"`
}

func (RebuildOptions) of() string { return operation.Rebuild }

// Rebuild makes an environment anew: fresh, by a teardown followed by a deployment, or in place, by a deployment that restarts both
// products. All that can be checked is checked before anything is removed. What a teardown keeps outlasts a fresh rebuild too. One that
// fails after the removal undoes what it deployed, but cannot bring back what it removed: it ends as failed and says so.
func Rebuild(ctx workflow.Context, in RebuildInput) (activities.Report, error) {
	return begin(ctx, in, func(env config.Environment) (activities.Report, error) {
		d := newDeployment(newRun(ctx, env))
		if in.Options.Mode == operation.InPlace {
			d.restart = workflow.Now(ctx).UTC().Format(time.RFC3339)
			return d.perform(ctx, in.verb(), d.steps(), (*saga.Runner).Conclude)
		}
		re := &rebuild{deployment: d, purge: in.Options.Purge, removed: map[string]string{}}
		steps, err := re.steps()
		if err != nil {
			return activities.Report{}, err
		}
		return d.perform(ctx, in.verb(), steps, re.conclude)
	})
}

// rebuild is a fresh one.
type rebuild struct {
	*deployment
	purge   bool
	absent  bool              // there was nothing to remove
	spared  bool              // a removal failed and those beside it went on
	removed map[string]string // notes by step that is done: what is gone is not removed again when all steps begin again
}

// steps are those of a teardown between a deployment's checks and the rest of it. The image, which takes the longest to make and may
// fail for what others do, is made before anything is removed.
func (re *rebuild) steps() ([]saga.Step, error) {
	before, after, err := saga.Split(re.deployment.steps(), step.Preflight, step.Image)
	if err != nil {
		return nil, err
	}
	down := (&teardown{re.deployment}).steps(re.purge)
	gone := saga.Names(saga.Prefixed(step.Removal, down))
	down = saga.Prefixed(step.Removal, re.removals(down))
	down[0] = down[0].After(saga.Names(before)...)
	for i, s := range after {
		if slices.Contains(s.Needs, step.Preflight) {
			after[i] = s.After(gone...)
		}
	}
	return slices.Concat(before, down, after), nil
}

// removals makes the steps of a teardown those of the rebuild. Nothing is deployed beside what could not be removed.
func (re *rebuild) removals(down []saga.Step) []saga.Step {
	for i, s := range down {
		down[i].Optional, down[i].Spares = false, re.spares
		down[i].Do = func(ctx workflow.Context) (string, error) { return re.remove(ctx, s) }
	}
	return down
}

func (re *rebuild) remove(ctx workflow.Context, s saga.Step) (string, error) {
	note, done := re.removed[step.Removal+s.Name]
	switch {
	case done:
		return note, nil
	case re.absent:
		return "nothing there", nil
	}
	first := s.Name == step.Survey
	re.removing = re.removing || !first
	note, err := s.Do(ctx)
	if first && call.KindOf(err) == failure.NotFound {
		re.absent, note, err = true, "nothing there", nil
	}
	if err == nil {
		re.removed[step.Removal+s.Name] = note
	}
	return note, err
}

// spares has removals go on beside one that failed, as in a teardown: what is removed, and what the message says of it, does not depend
// on which of them was quicker. Rebuilds that began under the code before are cancelled as they were then.
func (re *rebuild) spares(ctx workflow.Context) bool {
	re.spared = workflow.GetVersion(ctx, "removals-go-on-beside-a-failure", workflow.DefaultVersion, 1) == 1
	return re.spared
}

// conclude ends a rebuild that failed or was cancelled. Until the removal has begun it is a deployment that failed.
func (re *rebuild) conclude(r *saga.Runner, ctx workflow.Context, cause error, keep bool) error {
	if !re.removing {
		return r.Conclude(ctx, cause, keep)
	}
	// Removals that go on beside one that failed may be cancelled in the meantime.
	cancelled := temporal.IsCanceledError(cause) || re.spared && ctx.Err() != nil
	what := cause.Error()
	switch {
	case cancelled:
		what = "cancelled"
	case re.spared:
		what = re.failures()
	}
	if keep && !cancelled {
		what = saga.And(what, "onFailure is keep: what was built is still there")
	} else if left := r.Compensate(ctx); left != nil {
		what = saga.And(what, left.Error())
	}
	err := temporal.NewNonRetryableApplicationError(saga.And(what, re.lost()), board.TypeFailed, nil)
	r.Board.Close(ctx, board.OutcomeFailed, err)
	if cancelled {
		return temporal.NewCanceledError()
	}
	return err
}

// failures says of every removal that failed why.
func (re *rebuild) failures() string {
	var all []string
	for _, row := range re.board.Status.Steps {
		if strings.HasPrefix(row.Name, step.Removal) && row.State == board.StateFailed {
			all = append(all, fmt.Sprintf("step %s failed: %s", row.Name, row.Error))
		}
	}
	return strings.Join(all, "\n")
}

// lost says what became of the environment, and how it comes back.
func (re *rebuild) lost() string {
	kept := "its credentials, encryption keys, certificates, namespace and external databases are kept"
	if re.purge {
		kept = "with purge its credentials, encryption keys and certificates went too, as far as Lockstep made them"
	}
	text := fmt.Sprintf("environment %q is removed, and this rebuild did not deploy it again; %s. Next: correct what failed, then run `lockstep deploy`", re.env.Name, kept)
	if left := re.unremoved(); len(left) > 0 {
		text = fmt.Sprintf("environment %q is removed in part; still to do: %s; %s. Next: correct what failed, then run `lockstep rebuild` again", re.env.Name,
			strings.Join(left, ", "), kept)
	}
	return text
}

// unremoved are the steps of the removal that are not done.
func (re *rebuild) unremoved() (names []string) {
	for _, row := range re.board.Status.Steps {
		if _, done := re.removed[row.Name]; strings.HasPrefix(row.Name, step.Removal) && !done {
			names = append(names, row.Name)
		}
	}
	return names
}
