package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/internal/cluster"
	"lockstep/internal/release"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"
	"lockstep/workflows/saga"
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
		return d.run(ctx, in.verb(), d.steps(), (*saga.Runner).Conclude)
	})
}

func newDeployment(ctx workflow.Context, env config.Environment) *deployment {
	return &deployment{env: env, scope: scopeOf(ctx, env),
		before: map[string]release.State{}, applied: map[string]activities.Release{}, changed: map[string]bool{}, objects: map[string][]cluster.Snapshot{}}
}

// run carries out the steps of an operation that deploys, with an operator's help where they pause. conclude ends it if they fail.
func (d *deployment) run(ctx workflow.Context, operation string, steps []saga.Step, conclude func(*saga.Runner, workflow.Context, error, bool) error) (activities.Report, error) {
	r, err := saga.New(ctx, d.env.Name, operation, steps)
	if err != nil {
		return activities.Report{}, err
	}
	d.board = r.Board
	if err := r.Ask(ctx, d.decisions(ctx, r)); err != nil {
		return activities.Report{}, err
	}
	if err := r.Run(ctx); err != nil {
		keep := d.env.OnFailure == config.OnFailureKeep && !r.Decisions.GaveUp() // who gives up wants it undone
		err = conclude(r, ctx, err, keep)
		saga.Answered(ctx)
		return activities.Report{}, err
	}
	d.settle(r.Within(ctx, "report"))
	report := d.reported()
	r.Board.Status.Links = report.Consoles
	r.Board.Close(ctx, board.OutcomeDone, nil)
	saga.Answered(ctx)
	return report, nil
}

// decisions are those that operators make about a deployment: they may have it go on in a changed environment.
func (d *deployment) decisions(ctx workflow.Context, r *saga.Runner) saga.Decisions {
	return saga.Decisions{
		Env: &d.env,
		Admit: func(ctx workflow.Context, environment environments.Reference, overrides config.Values) (config.Environment, error) {
			changed := Request{Environment: environment, Overrides: overrides}
			return d.admit(ctx, changed, func(step string) bool { return d.removing || d.rotating || r.Began(step) })
		},
		Take: func(changed config.Environment) { d.env, d.scope = changed, scopeOf(ctx, changed) },
	}
}

// settle gives up what undoing would have needed, now that there is nothing to undo any more: a cancellation comes too late.
func (d *deployment) settle(ctx workflow.Context) {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := activities.SettleInput{Input: d.trimmed(""), Releases: d.applied}
	warnings, err := call.Get[[]string](ctx, call.Quick("forget what undoing would have needed"), a.Settle, in)
	if err != nil {
		warnings = []string{"what undoing would have needed stays until the next deployment: " + board.Message(err)}
	}
	d.settled = warnings
	if !d.rotating {
		return
	}
	if err := call.Do(ctx, call.Quick("forget what certificates were"), a.SettleRotation, d.trimmed("")); err != nil {
		d.settled = append(d.settled, "copies of earlier certificates stay, in Secrets named …-former, until the next rotation: "+board.Message(err))
	}
}

// admit checks a changed environment as the first was checked, and that it is of what this run has made so far.
func (d *deployment) admit(ctx workflow.Context, in Request, began func(string) bool) (config.Environment, error) {
	changed, err := checked(ctx, in)
	if err != nil {
		return changed, err
	}
	if why := unchangeable(d.env, changed, began); why != "" {
		return changed, decision.Refused("%s", why)
	}
	return changed, nil
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
	board *board.Board
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
