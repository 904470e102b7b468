package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
)

// Application error types with which an operation ends.
const (
	TypeRolledBack = "RolledBack" // it failed and all that the run did is undone
	TypeFailed     = "Failed"     // it failed and what the run did is still there, all or in part
)

// DeployInput is the input of [Deploy].
type DeployInput = Input[DeployOptions]

// DeployOptions are none.
type DeployOptions struct{}

func (DeployOptions) of() string { return operation.Deploy }

// Deploy builds and wires a whole environment and proves that it works. A failed or cancelled deployment undoes what it did
// (unless the environment says onFailure: keep, or pause); what existed before stays as it was. Deploying what is already deployed
// changes nothing.
func Deploy(ctx workflow.Context, in DeployInput) (activities.Report, error) {
	return begin(ctx, in, func(env config.Environment) (activities.Report, error) {
		d := newDeployment(ctx, env)
		return d.run(ctx, in.verb(), d.steps(), (*runner).conclude)
	})
}

func newDeployment(ctx workflow.Context, env config.Environment) *deployment {
	return &deployment{env: env, scope: scopeOf(ctx, env),
		before: map[string]release.State{}, applied: map[string]activities.Release{}, changed: map[string]bool{}, objects: map[string][]cluster.Snapshot{}}
}

// run carries out the steps of an operation that deploys, with an operator's help where they pause. conclude ends it if they fail.
func (d *deployment) run(ctx workflow.Context, operation string, steps []step, conclude func(*runner, workflow.Context, error, bool) error) (activities.Report, error) {
	board, err := newBoard(ctx, d.env.Name, operation, steps)
	if err != nil {
		return activities.Report{}, err
	}
	d.board = board
	r := &runner{board: board, desk: &desk{board: board, env: &d.env}}
	r.desk.admit = func(ctx workflow.Context, changed Request) (config.Environment, error) {
		return d.admit(ctx, changed, func(step string) bool { return d.removing || d.rotating || r.began(step) })
	}
	r.desk.take = func(changed config.Environment) { d.env, d.scope = changed, scopeOf(ctx, changed) }
	if err := r.desk.open(ctx); err != nil {
		return activities.Report{}, err
	}
	if err := r.run(ctx, steps); err != nil {
		keep := d.env.OnFailure == config.OnFailureKeep && r.desk.givenUp == nil // who gives up wants it undone
		err = conclude(r, ctx, err, keep)
		answered(ctx)
		return activities.Report{}, err
	}
	d.settle(r.within(ctx, "report"))
	report := d.reported()
	board.status.Links = report.Consoles
	board.close(ctx, OutcomeDone, nil)
	answered(ctx)
	return report, nil
}

// settle gives up what undoing would have needed, now that there is nothing to undo any more: a cancellation comes too late.
func (d *deployment) settle(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := activities.SettleInput{Input: d.trimmed(""), Releases: d.applied}
	warnings, err := call[[]string](ctx, quick("forget what undoing would have needed"), a.Settle, in)
	if err != nil {
		warnings = []string{"what undoing would have needed stays until the next deployment: " + message(err)}
	}
	d.settled = warnings
	if !d.rotating {
		return
	}
	if err := tell(ctx, quick("forget what certificates were"), a.SettleRotation, d.trimmed("")); err != nil {
		d.settled = append(d.settled, "copies of earlier certificates stay, in Secrets named …-former, until the next rotation: "+message(err))
	}
}

// admit checks a changed environment as the first was checked, and that it is of what this run has made so far.
func (d *deployment) admit(ctx workflow.Context, in Request, began func(string) bool) (config.Environment, error) {
	changed, err := checked(ctx, in)
	if err != nil {
		return changed, err
	}
	if why := unchangeable(d.env, changed, began); why != "" {
		return changed, refused("%s", why)
	}
	return changed, nil
}

// answered waits until whoever sent an Update has been answered.
func answered(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	_ = workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }) // fails only if ctx is cancelled
}

// conclude ends a failed or cancelled operation: it compensates and turns the failure into the error the caller sees.
func (r *runner) conclude(ctx workflow.Context, failure error, keep bool) error {
	cancelled := temporal.IsCanceledError(failure)
	what := failure.Error()
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
	// restart is the moment that both products are to be restarted at; empty: they are not.
	restart  string
	removing bool // what was there before is being removed, or has been
	rotating bool // certificates are renewed

	checked    activities.Preflight
	image      activities.Image
	certs      activities.Certificates
	gateway    activities.Gateway
	keyManager activities.KeyManager
	verified   activities.Verification
	report     activities.Report
	settled    []string // warnings from settling

	before  map[string]release.State // releases by component, as look saw them
	applied map[string]activities.Release
	changed map[string]bool               // releases that this run changed, or may have
	proving bool                          // a verification that makes things has begun
	objects map[string][]cluster.Snapshot // objects by step, as look saw them
	missing []string                      // CRDs that were not there
	tag     activities.ImageState
	manager activities.KeyManagerState
	// registration is the key manager as it was before API Manager was touched, if that loses it with its pods.
	registration activities.KeyManagerState
	postponed    []inProduct // undos that wait for the API Manager of before
}
