package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// gatewayStep installs the gateway's controller, unless the cluster has its own, and its listeners.
type gatewayStep struct {
	*run
	release   helmRelease
	listeners objectSet
	namespace objectSet
	ready     activities.Gateway
}

func (s *gatewayStep) step() saga.Step {
	return saga.Step{
		Name: step.Gateway, Summary: "install the gateway and its listeners",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy, Frozen: s.frozen(),
	}
}

func (s *gatewayStep) look(ctx workflow.Context) error {
	if err := s.listeners.look(ctx); err != nil || !s.env.Routing.Installs() {
		return err
	}
	if err := s.namespace.look(ctx); err != nil {
		return err
	}
	return s.release.look(ctx)
}

func (s *gatewayStep) do(ctx workflow.Context) (string, error) {
	note := "uses the controller that is there"
	if s.env.Routing.Installs() {
		if err := s.release.apply(ctx); err != nil {
			return "", err
		}
		note = s.release.note()
	}
	if err := call.Do(ctx, call.Bounded("apply listeners", 5*time.Minute, 12), a.ApplyGateway, s.trimmed("")); err != nil {
		return "", err
	}
	o := call.Wait("wait until the gateway is programmed", time.Duration(s.env.Timeouts.Gateway))
	ready, err := call.Get[activities.Gateway](ctx, o, a.WaitGateway, s.trimmed(""))
	s.ready = ready
	return note + ready.Note(), err
}

// undo takes the listeners away first, so that a controller that stays or goes removes their data plane.
func (s *gatewayStep) undo(ctx workflow.Context) error {
	in := activities.RestoreGatewayInput{Input: s.trimmed(""), Before: s.listeners.before}
	if err := call.Do(ctx, call.Undo("restore the listeners"), a.RestoreGateway, in); err != nil || !s.env.Routing.Installs() {
		return err
	}
	release := activities.UndoGatewayInput{
		Input:  s.trimmed(component.Gateway), // its values name what the chart's hooks made
		Before: s.release.before, Namespace: s.namespace.before,
	}
	return call.Do(ctx, call.Undo("restore release "+s.env.Routing.Release), a.UndoGateway, release)
}

// listenersRemoval is a row of its own: the listeners go before the controller that serves them.
func (s *gatewayStep) listenersRemoval() saga.Step {
	return s.listeners.removed(step.Listeners, "remove the gateway's listeners")
}

func (s *gatewayStep) removal() saga.Step {
	return removal(step.Gateway, "uninstall the gateway, unless others use it", func(ctx workflow.Context) (string, error) {
		in := s.trimmed(component.Gateway) // its values name what the hooks made
		return call.Get[string](ctx, call.Undo("uninstall release "+s.env.Routing.Release), a.RemoveGateway, in)
	})
}

func (s *gatewayStep) comparison() compared {
	return compared{step.Gateway, "compare the gateway and its listeners", s.differ}
}

func (s *gatewayStep) differ(ctx workflow.Context) (items []drift.Item, err error) {
	if s.env.Routing.Installs() {
		if items, err = s.release.differ(ctx); err != nil {
			return nil, err
		}
	}
	listeners, err := s.listeners.differ(ctx, component.Gateway)
	return append(items, listeners...), err
}

func (s *gatewayStep) remedy() string {
	all := s.listeners.remedy()
	if s.env.Routing.Installs() {
		all += ", then " + s.release.remedy()
	}
	return all
}

func (s *gatewayStep) frozen() []saga.Frozen {
	return []saga.Frozen{
		{Path: "gateway.release", Of: func(e config.Environment) any { return e.Routing.Release }},
		{Path: "gateway.namespace", Of: func(e config.Environment) any { return e.Routing.Namespace }},
		{Path: "routing.gateway", Of: func(e config.Environment) any { return e.Routing.Gateway }},
		{Path: "gateway.gatewayClass", Of: func(e config.Environment) any { return e.Routing.GatewayClass }},
		{Path: "gateway.controllerName", Of: func(e config.Environment) any { return e.Routing.ControllerName }},
		{Path: "gateway.values.nameOverride", Of: func(e config.Environment) any { return e.Routing.Values["nameOverride"] }},
		{Path: "gateway.values.fullnameOverride", Of: func(e config.Environment) any { return e.Routing.Values["fullnameOverride"] }},
	}
}
