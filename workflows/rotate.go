package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/failure"
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
		d := newDeployment(newRun(ctx, env))
		d.rotating = true
		return d.perform(ctx, in.verb(), (&rotation{d}).steps(), (*saga.Runner).Conclude)
	})
}

type rotation struct{ *deployment }

// steps are the runbook of [Rotate]. As the CA stays, both products trust each other at any time; one after the other restarts so
// that never both are away.
func (r *rotation) steps() []saga.Step {
	return []saga.Step{
		{Name: step.Compare, Summary: "check that the products match the file", Do: r.asDeployed},
		r.renews(saga.Step{Name: step.Gateway, Summary: "renew the certificate of the listeners"}, component.Gateway).After(step.Compare),
		r.renewsProduct(r.identityServer.step()).After(step.Compare),
		r.renewsProduct(r.apiManager.step()).After(step.IdentityServer),
		r.keyManager.step().After(step.APIManager), // an API Manager without a database of its own forgets it
		r.verify.step().After(step.KeyManager, step.Gateway),
		r.report.step().After(step.Verify),
	}
}

func (r *rotation) asDeployed(ctx workflow.Context) (string, error) {
	items, err := r.image.differ(ctx)
	if err != nil {
		return "", err
	}
	for _, h := range []helmRelease{r.identityServer.helmRelease, r.apiManager.helmRelease} {
		found, err := h.differ(ctx)
		if err != nil {
			return "", err
		}
		items = append(items, found...)
	}
	if len(items) == 0 {
		return "as the file says", r.listenerFits(ctx)
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, item.String())
	}
	return "", call.Failed(failure.Conflict, "the environment does not match its file, and a rotation changes only certificates:\n"+
		strings.Join(texts, "\n")+"\nNext: run `lockstep deploy` (`lockstep drift` lists other remedies), then rotate again")
}

// listenerFits refuses what the rotation would leave as it is, and the gateway does not serve: the products would restart for nothing.
func (r *rotation) listenerFits(ctx workflow.Context) error {
	if r.env.Certificates.GatewayTLS == "" || workflow.GetVersion(ctx, "rotation-checks-the-listener", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return nil
	}
	return call.Do(ctx, call.Look("check the certificate of the listeners"), a.CheckListener, r.trimmed(""))
}

// renewsProduct has a product's step renew its certificates first: it restarts with them.
func (r *rotation) renewsProduct(s saga.Step) saga.Step {
	s.Summary = "renew " + r.component(s.Name).Title + "'s certificates, restart it and wait until it is ready"
	return r.renews(s, s.Name)
}

// renews has a step renew a component's certificates first, and put them back before all else of it is undone: what restarts then
// starts with them.
func (r *rotation) renews(s saga.Step, name string) saga.Step {
	do, undoRest := s.Do, s.Undo
	s.Do = func(ctx workflow.Context) (string, error) {
		rotated, err := r.certificates.renew(ctx, name)
		switch {
		case err != nil:
			return "", err
		case rotated.Left != "" && rotated.Renewed: // of several listeners
			return "renewed, and left: " + rotated.Left, nil
		case rotated.Left != "":
			return "left: " + rotated.Left, nil
		case do == nil:
			return "renewed", nil
		}
		more, err := do(ctx)
		return "renewed, " + more, err
	}
	s.Undo = func(ctx workflow.Context) error {
		if err := r.certificates.putBack(ctx, name); err != nil || undoRest == nil {
			return err
		}
		return undoRest(ctx)
	}
	return s
}
