package workflows

import (
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// crdsStep installs the CRDs of the gateway, which its chart brings.
type crdsStep struct {
	*run
	missing []string // before
}

func (s *crdsStep) step() saga.Step {
	return saga.Step{
		Name: step.GatewayCRDs, Summary: "install the Gateway API CRDs",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
		Frozen: append(inCluster(),
			saga.Frozen{Path: "gateway.install", Of: func(e config.Environment) any { return e.Routing.Installs() }},
			saga.Frozen{Path: "gateway.chart", Of: func(e config.Environment) any { return e.Routing.Chart }},
			saga.Frozen{Path: "gateway.crds", Of: func(e config.Environment) any { return e.Routing.CRDs }},
		),
	}
}

func (s *crdsStep) look(ctx workflow.Context) (err error) {
	s.missing, err = call.Get[[]string](ctx, call.Quick("read which CRDs exist"), a.LookCRDs, s.trimmed(component.Gateway))
	return err
}

func (s *crdsStep) do(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Work("install missing CRDs"), a.ApplyCRDs, s.trimmed(component.Gateway))
}

func (s *crdsStep) undo(ctx workflow.Context) error {
	in := activities.RemoveCRDsInput{Input: s.trimmed(component.Gateway), Names: s.missing, Replaced: s.env.Routing.ReplacesCRDs()}
	return call.Do(ctx, call.Undo("restore the CRDs"), a.RemoveCRDs, in)
}

func (s *crdsStep) removal() saga.Step {
	return removal(step.GatewayCRDs, "remove the Gateway API CRDs that nobody uses", func(ctx workflow.Context) (string, error) {
		return call.Get[string](ctx, call.Undo("remove CRDs without objects"), a.RemoveOwnCRDs, s.trimmed(""))
	})
}

func (s *crdsStep) remedy() string {
	if len(s.missing) == 0 {
		return ""
	}
	return "as far as they have no objects, `kubectl delete crd --ignore-not-found " + strings.Join(s.missing, " ") + "`"
}
