package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// routesStep routes the public hostnames to both products. API Manager's chart brings its own routes.
type routesStep struct{ objectSet }

func (s *routesStep) step() saga.Step {
	return saga.Step{
		Name: step.Routes, Summary: "route the public hostnames to both products",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
	}
}

func (s *routesStep) do(ctx workflow.Context) (string, error) {
	if err := call.Do(ctx, call.Quick("route the key manager's hostname"), a.ApplyRoutes, s.trimmed(component.IdentityServer)); err != nil {
		return "", err
	}
	return "", call.Do(ctx, call.Wait("wait until the gateway accepts all routes", time.Duration(s.env.Timeouts.Gateway)), a.WaitRoutes, s.trimmed(""))
}

func (s *routesStep) removal() saga.Step {
	return s.removed(step.Routes, "remove the routes of Identity Server")
}

func (s *routesStep) comparison() compared {
	return compared{step.Routes, "compare the routes of Identity Server", func(ctx workflow.Context) ([]drift.Item, error) { return s.differ(ctx, "") }}
}
