package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/drift"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// RotateInput is the input of [Rotate].
type RotateInput = Input[RotateOptions]

// RotateOptions are what can be said of a rotation beside the environment.
type RotateOptions struct {
	// What is renewed; the default is [operation.Certificates], and there is nothing else.
	What []string `json:"what,omitempty"`
}

func (RotateOptions) of() string { return operation.Rotate }

// Rotate renews certificates and stores by the same CA, restarts one product after the other, and proves that all works. It is undone
// when it fails. It changes nothing else, and so refuses an environment that is not deployed as its file says.
func Rotate(ctx workflow.Context, in RotateInput) (activities.Report, error) {
	return begin(ctx, in, func(env config.Environment) (activities.Report, error) {
		d := newDeployment(ctx, env)
		d.rotating = true
		c := &comparison{deployment: d, items: map[string][]drift.Item{}}
		return d.run(ctx, in.verb(), c.rotation(), (*saga.Runner).Conclude)
	})
}

// rotation is the runbook of [Rotate]. As the CA stays, both products trust each other at any time; one after the other restarts so
// that never both are away.
func (c *comparison) rotation() []saga.Step {
	gateway := saga.Step{Name: "gateway", Summary: "renew the certificate of the listeners", Needs: []string{"compare"}}
	steps := []saga.Step{
		{Name: "compare", Summary: "see that the products are as the file says", Do: c.asDeployed},
		c.renews(gateway, activities.GatewayController),
		c.renews(c.product(activities.IdentityServer, "renew Identity Server's certificates, restart it and wait until it is ready", "compare"), activities.IdentityServer),
		c.renews(c.product(activities.APIManager, "renew API Manager's certificates, restart it and wait until it is ready", activities.IdentityServer), activities.APIManager),
	}
	for _, s := range c.deployment.steps() {
		switch s.Name {
		case "key-manager": // an API Manager without a database of its own forgets it
			s.Needs = []string{activities.APIManager}
		case "verify":
			s.Needs = []string{"key-manager", "gateway"}
		case "report":
		default:
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

func (c *comparison) asDeployed(ctx workflow.Context) (string, error) {
	items, err := c.images(ctx)
	if err != nil {
		return "", err
	}
	for _, component := range []string{activities.IdentityServer, activities.APIManager} {
		found, err := c.releaseItems(ctx, component)
		if err != nil {
			return "", err
		}
		items = append(items, found...)
	}
	if len(items) == 0 {
		return "as the file says", nil
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, item.String())
	}
	return "", temporal.NewNonRetryableApplicationError("the environment is not as its file says, and a rotation changes nothing but certificates:\n"+
		strings.Join(texts, "\n")+"\nNext: run `lockstep deploy`, or see `lockstep drift` for what else to do, then rotate", activities.TypeConflict, nil)
}

// renews has a step renew a component's certificates first, and put them back before all else of it is undone: what restarts then
// starts with them.
func (c *comparison) renews(s saga.Step, component string) saga.Step {
	do, undoRest := s.Do, s.Undo
	in := func() activities.RotateInput {
		return activities.RotateInput{Input: c.trimmed(""), Component: component}
	}
	s.Do = func(ctx workflow.Context) (string, error) {
		rotated, err := call.Get[activities.Rotated](ctx, call.Quick("renew certificates of "+component), a.RotateCertificates, in())
		if err != nil {
			return "", err
		}
		note := "renewed"
		if rotated.Left != "" {
			note = "left: " + rotated.Left
			c.certs.Warnings = append(c.certs.Warnings, rotated.Left)
		}
		if do == nil || rotated.Left != "" {
			return note, nil
		}
		more, err := do(ctx)
		return note + ", " + more, err
	}
	s.Undo = func(ctx workflow.Context) error {
		if err := call.Do(ctx, call.Undo("put the certificates of "+component+" back"), a.UndoRotateCertificates, in()); err != nil || undoRest == nil {
			return err
		}
		return undoRest(ctx)
	}
	return s
}
