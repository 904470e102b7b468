package workflows

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// DriftInput is the input of [Drift].
type DriftInput = Input[DriftOptions]

// DriftOptions are none.
type DriftOptions struct{}

func (DriftOptions) of() string { return operation.Drift }

// DriftReport says what is not as the environment file says, in the order of a deployment's steps. It holds no secret.
type DriftReport struct {
	Environment string       `json:"environment"`
	Drifted     bool         `json:"drifted"`
	Items       []drift.Item `json:"items"`
}

// Drift compares what a deployment would make of the environment file with what is there. It changes nothing. One that finds something
// completes, with the outcome [board.OutcomeDrifted].
func Drift(ctx workflow.Context, in DriftInput) (DriftReport, error) {
	return begin(ctx, in, func(env config.Environment) (DriftReport, error) {
		d := &driftRun{deployment: newDeployment(newRun(ctx, env)), items: map[string][]drift.Item{}}
		steps := d.steps()
		r, err := saga.New(ctx, env.Name, in.verb(), steps)
		if err != nil {
			return DriftReport{}, err
		}
		return d.conclude(ctx, r, r.Run(ctx))
	})
}

// driftRun is one run of [Drift].
type driftRun struct {
	*deployment
	items  map[string][]drift.Item // by step
	absent bool                    // there is nothing of the environment
}

// compared is the row of a step in a comparison.
type compared struct {
	name, summary string
	differ        func(workflow.Context) ([]drift.Item, error)
}

// steps are called as those of a deployment that mend what they find.
func (d *driftRun) steps() []saga.Step {
	return []saga.Step{
		{Name: step.Survey, Summary: "read what exists", Do: d.look},
		d.compares(d.certificates.comparison()),
		d.compares(d.image.comparison()),
		d.compares(d.gateway.comparison()),
		d.compares(d.identityServer.comparison()).After(step.Image),
		d.compares(d.apiManager.comparison()).After(step.Image),
		d.compares(d.routes.comparison()),
		d.compares(d.keyManager.comparison()),
	}
}

// compares is a step that finds differences. Others do without if it fails.
func (d *driftRun) compares(c compared) saga.Step {
	return saga.Step{Name: c.name, Summary: c.summary, Optional: true, Do: func(ctx workflow.Context) (string, error) {
		if d.absent {
			return "nothing there", nil
		}
		items, err := c.differ(ctx)
		for i := range items {
			items[i].Component = c.name
			if items[i].Next == "" {
				items[i].Next = mends
			}
		}
		d.items[c.name] = items
		return differences(len(items)), err
	}}.After(step.Survey)
}

const mends = "`lockstep deploy` corrects it"

func differences(n int) string {
	switch n {
	case 0:
		return "as the file says"
	case 1:
		return "1 difference"
	default:
		return fmt.Sprintf("%d differences", n)
	}
}

func (d *driftRun) look(ctx workflow.Context) (string, error) {
	note, err := d.survey(ctx)
	if call.KindOf(err) == failure.NotFound {
		d.absent = true
		d.items[step.Survey] = []drift.Item{{Component: step.Survey, Object: "environment " + d.env.Name, Wants: "deployed", Is: drift.NotDeployed, Next: "`lockstep deploy` deploys it"}}
		return "nothing there", nil
	}
	return note, err
}

func (d *driftRun) conclude(ctx workflow.Context, r *saga.Runner, cause error) (DriftReport, error) {
	if cause != nil {
		if temporal.IsCanceledError(cause) {
			r.Board.Close(ctx, board.OutcomeRolledBack, errors.New("cancelled; a comparison changes nothing"))
			return DriftReport{}, temporal.NewCanceledError()
		}
		err := temporal.NewNonRetryableApplicationError(board.Message(cause), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return DriftReport{}, err
	}
	report := DriftReport{Environment: d.env.Name, Items: []drift.Item{}}
	var unknown []string
	for _, row := range r.Board.Status.Steps {
		report.Items = append(report.Items, d.items[row.Name]...)
		if row.State == board.StateFailed {
			unknown = append(unknown, row.Name+": "+row.Error)
		}
	}
	report.Drifted = len(report.Items) > 0
	if len(unknown) > 0 {
		err := temporal.NewNonRetryableApplicationError(strings.Join(slices.Concat([]string{"not everything could be compared; nothing was changed"}, unknown,
			lines(report.Items)), "\n"), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return DriftReport{}, err
	}
	outcome := board.OutcomeDone
	if report.Drifted {
		outcome = board.OutcomeDrifted
	}
	r.Board.Close(ctx, outcome, nil)
	return report, nil
}

func lines(items []drift.Item) (all []string) {
	for _, item := range items {
		all = append(all, item.Component+": "+item.String())
	}
	return all
}
