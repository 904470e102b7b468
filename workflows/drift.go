package workflows

import (
	"errors"
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
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
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
		c := &comparison{deployment: newDeployment(newRun(ctx, env)), items: map[string][]drift.Item{}}
		steps := c.steps()
		r, err := saga.New(ctx, env.Name, in.verb(), steps)
		if err != nil {
			return DriftReport{}, err
		}
		return c.conclude(ctx, r, r.Run(ctx))
	})
}

// comparison is one run of [Drift].
type comparison struct {
	*deployment
	items  map[string][]drift.Item // by step
	absent bool                    // there is nothing of the environment
	imaged bool                    // the images that a deployment would use are known
}

// steps are called as those of a deployment that mend what they find.
func (c *comparison) steps() []saga.Step {
	return []saga.Step{
		{Name: step.Survey, Summary: "read what exists", Do: c.survey},
		c.compares(step.Certificates, "compare credentials, certificates and stores", c.keyItems),
		c.compares(step.Image, "compare the images", c.imageItems),
		c.compares(step.Gateway, "compare the gateway and its listeners", c.gatewayItems),
		c.compares(step.IdentityServer, "compare Identity Server", c.productItems(c.identityServer)).After(step.Image),
		c.compares(step.APIManager, "compare API Manager", c.productItems(&c.apiManager.productStep)).After(step.Image),
		c.compares(step.Routes, "compare the routes of Identity Server", c.objectItems(objects.Routes, "")),
		c.compares(step.KeyManager, "compare the registered key manager", c.keyManagerItems),
	}
}

// compares is a step that finds differences. Others do without if it fails.
func (c *comparison) compares(name, summary string, find func(workflow.Context) ([]drift.Item, error)) saga.Step {
	return saga.Step{Name: name, Summary: summary, Optional: true, Do: func(ctx workflow.Context) (string, error) {
		if c.absent {
			return "nothing there", nil
		}
		items, err := find(ctx)
		for i := range items {
			items[i].Component = name
			if items[i].Next == "" {
				items[i].Next = mends
			}
		}
		c.items[name] = items
		return c.note(name), err
	}}.After(step.Survey)
}

const mends = "`lockstep deploy` corrects it"

func (c *comparison) note(step string) string {
	switch n := len(c.items[step]); n {
	case 0:
		return "as the file says"
	case 1:
		return "1 difference"
	default:
		return fmt.Sprintf("%d differences", n)
	}
}

func (c *comparison) survey(ctx workflow.Context) (string, error) {
	found, err := call.Get[activities.Remains](ctx, call.Quick("read what exists"), a.Survey, c.trimmed(""))
	if call.KindOf(err) == failure.NotFound {
		c.absent = true
		c.items[step.Survey] = []drift.Item{{Component: step.Survey, Object: "environment " + c.env.Name, Wants: "deployed", Is: drift.NotDeployed, Next: "`lockstep deploy` deploys it"}}
		return "nothing there", nil
	}
	return fmt.Sprintf("%d objects", len(found.Objects)), err
}

func (c *comparison) keyItems(ctx workflow.Context) ([]drift.Item, error) {
	return call.Get[[]drift.Item](ctx, call.Quick("look at keys and certificates"), a.DriftKeys, c.trimmed(""))
}

func (c *comparison) imageItems(ctx workflow.Context) ([]drift.Item, error) {
	found, err := call.Get[activities.Images](ctx, call.Work("find out which images a deployment would use"), a.DriftImage, c.trimmed(""))
	c.images.identityServer, c.images.apiManager, c.imaged = found.Image, found.APIManagerImage, err == nil
	return found.Items, err
}

func releaseItems(ctx workflow.Context, h helmRelease) ([]drift.Item, error) {
	return call.Get[[]drift.Item](ctx, call.Look("compare release "+h.ref().Name), a.DriftRelease, h.input())
}

func (c *comparison) gatewayItems(ctx workflow.Context) (items []drift.Item, err error) {
	if c.env.Routing.Installs() {
		if items, err = releaseItems(ctx, c.gateway.release); err != nil {
			return nil, err
		}
	}
	listeners, err := c.objectItems(objects.Gateway, component.Gateway)(ctx)
	return append(items, listeners...), err
}

// objectItems compares a set of objects, with the chart values of one component, or of none if the name is empty.
func (c *comparison) objectItems(set objects.Set, values string) func(workflow.Context) ([]drift.Item, error) {
	return func(ctx workflow.Context) ([]drift.Item, error) {
		in := activities.SnapshotInput{Input: c.trimmed(values), Set: set}
		return call.Get[[]drift.Item](ctx, call.Quick("compare objects"), a.DriftObjects, in)
	}
}

func (c *comparison) productItems(p *productStep) func(workflow.Context) ([]drift.Item, error) {
	return func(ctx workflow.Context) ([]drift.Item, error) {
		if !c.imaged {
			return nil, call.Failed(failure.Conflict, "not compared: the images are not known")
		}
		items, err := releaseItems(ctx, p.helmRelease)
		if err != nil {
			return nil, err
		}
		pods, err := call.Get[[]drift.Item](ctx, call.Quick("look at the pods"), a.DriftWorkload, activities.WaitInput{Input: c.trimmed(""), Component: p.name})
		return append(items, pods...), err
	}
}

// keyManagerItems finds a product that does not answer to be a difference, too.
func (c *comparison) keyManagerItems(ctx workflow.Context) ([]drift.Item, error) {
	o := call.Bounded("compare the key manager", time.Minute, 3)
	items, err := call.Get[[]drift.Item](ctx, o, a.DriftKeyManager, c.trimmed(""))
	if doesNotAnswer(err) {
		return []drift.Item{{Object: "key manager " + c.env.KeyManager.Name, Wants: "registered", Is: "cannot be read: " + board.Message(err)}}, nil
	}
	return items, err
}

func (c *comparison) conclude(ctx workflow.Context, r *saga.Runner, cause error) (DriftReport, error) {
	if cause != nil {
		if temporal.IsCanceledError(cause) {
			r.Board.Close(ctx, board.OutcomeRolledBack, errors.New("cancelled; a comparison changes nothing"))
			return DriftReport{}, temporal.NewCanceledError()
		}
		err := temporal.NewNonRetryableApplicationError(board.Message(cause), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return DriftReport{}, err
	}
	report := DriftReport{Environment: c.env.Name, Items: []drift.Item{}}
	var unknown []string
	for _, row := range r.Board.Status.Steps {
		report.Items = append(report.Items, c.items[row.Name]...)
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
