package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/config/step"
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
		d := newDeployment(newRun(ctx, env))
		return d.perform(ctx, in.verb(), d.steps(), (*saga.Runner).Conclude)
	})
}

// perform carries out the steps of an operation that deploys, with an operator's help where they pause. conclude ends it if they fail.
func (d *deployment) perform(ctx workflow.Context, operation string, steps []saga.Step, conclude func(*saga.Runner, workflow.Context, error, bool) error) (activities.Report, error) {
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
	report := d.report.whole(d.finalize(r.Within(ctx, step.Report)))
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
			return d.admit(ctx, changed, func(name string) bool { return d.removing || d.rotating || r.Began(name) })
		},
		Take: func(changed config.Environment) { d.take(ctx, changed) },
	}
}

// admit checks a changed environment as the first was checked, and that it is of what this run has made so far. Once the gateway was begun,
// its version is that of the run where the changed environment has none: a rebuild has removed the release that would say it.
func (d *deployment) admit(ctx workflow.Context, in Request, began func(string) bool) (config.Environment, error) {
	var gateway config.Chart
	if began(step.GatewayCRDs) || began(step.Gateway) {
		gateway = d.env.Routing.Chart
	}
	changed, err := checked(ctx, in, gateway)
	if err != nil {
		return changed, err
	}
	if why := saga.Differences(d.env, changed, d.frozen(began)); why != "" {
		return changed, decision.Refused("%s", why)
	}
	return changed, nil
}

// finalize gives up what undoing would have needed, now that there is nothing to undo any more: a cancellation comes too late. It returns
// warnings.
func (d *deployment) finalize(ctx workflow.Context) []string {
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	in := activities.SettleInput{Input: d.trimmed(""), Releases: d.applied()}
	warnings, err := call.Get[[]string](ctx, call.Quick("remove the saved prior state"), a.Settle, in)
	if err != nil {
		warnings = []string{"the saved prior state stays until the next deployment: " + board.Message(err)}
	}
	if !d.rotating {
		return warnings
	}
	if err := call.Do(ctx, call.Quick("remove the copies of earlier certificates"), a.SettleRotation, d.trimmed("")); err != nil {
		warnings = append(warnings, "copies of earlier certificates stay, in Secrets named …-former, until the next rotation: "+board.Message(err))
	}
	return warnings
}
