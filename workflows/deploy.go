package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
)

// Application error types with which an operation ends.
const (
	TypeRolledBack = "RolledBack" // it failed and all that the run did is undone
	TypeFailed     = "Failed"     // it failed and what the run did is still there, all or in part
)

// DeployInput is the input of [Deploy].
type DeployInput struct {
	Environment config.Environment `json:"environment"`
}

// Deploy builds and wires a whole environment and proves that it works. A failed or cancelled deployment undoes what it did
// (unless the environment says onFailure: keep); what existed before stays as it was. Deploying what is already deployed
// changes nothing.
func Deploy(ctx workflow.Context, in DeployInput) (activities.Report, error) {
	if !canonical(ctx, in.Environment.Name) {
		return delegate[activities.Report](ctx, in.Environment.Name, "Deploy", in)
	}
	env, err := checked(ctx, in.Environment)
	if err != nil {
		return activities.Report{}, err
	}
	d := &deployment{env: env, scope: scopeOf(ctx, env),
		before: map[string]release.State{}, applied: map[string]activities.Release{}, objects: map[string][]cluster.Snapshot{}}
	steps := d.steps()
	board, err := newBoard(ctx, d.env.Name, "deploy", steps)
	if err != nil {
		return activities.Report{}, err
	}
	d.board = board
	r := &runner{board: board}
	if err := r.run(ctx, steps); err != nil {
		return activities.Report{}, r.conclude(ctx, err, d.env.OnFailure == config.OnFailureKeep)
	}
	board.close(ctx, OutcomeDone, nil)
	return d.report, nil
}

// conclude ends a failed or cancelled operation: it compensates and turns the failure into the error the caller sees.
func (r *runner) conclude(ctx workflow.Context, failure error, keep bool) error {
	cancelled := temporal.IsCanceledError(failure)
	what := fmt.Sprintf("step %s failed: %s", r.at, message(failure))
	if cancelled {
		what = "cancelled"
	}
	if keep && !cancelled {
		err := temporal.NewNonRetryableApplicationError(and(what, "onFailure is keep: nothing was undone"), TypeFailed, nil)
		r.board.close(ctx, OutcomeFailed, err)
		return err
	}
	if left := r.compensate(ctx); left != nil {
		err := temporal.NewNonRetryableApplicationError(and(what, left.Error()), TypeFailed, nil)
		r.board.close(ctx, OutcomeFailed, err)
		return err
	}
	undone := "all that this run did is undone"
	if !r.changedSomething() {
		undone = "nothing had been changed yet"
	}
	err := temporal.NewNonRetryableApplicationError(and(what, undone), TypeRolledBack, nil)
	r.board.close(ctx, OutcomeRolledBack, err)
	if cancelled {
		return temporal.NewCanceledError()
	}
	return err
}

// and puts what follows a diagnosis of several lines on a line of its own.
func and(what, then string) string {
	if strings.Contains(what, "\n") {
		return what + "\n" + then
	}
	return what + "; " + then
}

func scopeOf(ctx workflow.Context, env config.Environment) activities.Scope {
	return activities.Scope{
		Environment: env.Name, Namespace: env.Namespace, Cluster: env.Cluster,
		Run: workflow.GetInfo(ctx).WorkflowExecution.RunID,
	}
}

// deployment is one run of [Deploy]: what it is about and what its steps found out.
type deployment struct {
	env   config.Environment
	scope activities.Scope
	board *board

	checked    activities.Preflight
	image      activities.Image
	certs      activities.Certificates
	gateway    activities.Gateway
	keyManager activities.KeyManager
	verified   activities.Verification
	report     activities.Report

	before  map[string]release.State // releases by component, as look saw them
	applied map[string]activities.Release
	objects map[string][]cluster.Snapshot // objects by step, as look saw them
	missing []string                      // CRDs that were not there
	tag     activities.ImageState
	manager activities.KeyManagerState
	// registration is the key manager as it was before API Manager was touched, if that loses it with its pods.
	registration activities.KeyManagerState
}
