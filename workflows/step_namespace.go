package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/step"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// namespaceStep makes the namespace.
type namespaceStep struct{ objectSet }

func (s *namespaceStep) step() saga.Step {
	return saga.Step{
		Name: step.Namespace, Summary: "make the namespace",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
		Frozen: append(inCluster(), saga.Frozen{Path: "namespace", Of: func(e config.Environment) any { return e.Namespace }}),
	}
}

func (s *namespaceStep) do(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Quick("make namespace "+s.env.Namespace), a.EnsureNamespace, s.scope)
}

// removal leaves a namespace that holds something of somebody else.
func (s *namespaceStep) removal() saga.Step {
	return removal(step.Namespace, "remove the namespace", func(ctx workflow.Context) (string, error) {
		return call.Get[string](ctx, call.Undo("remove namespace "+s.env.Namespace), a.RemoveNamespace, s.trimmed(""))
	})
}

// inCluster is what a step has used that made or looked at something in the cluster.
func inCluster() []saga.Frozen {
	return []saga.Frozen{
		{Path: "cluster", Of: func(e config.Environment) any { return e.Cluster }},
	}
}
