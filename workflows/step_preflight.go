package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config/step"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// preflightStep looks at all that may go wrong before anything is changed.
type preflightStep struct {
	*run
	images *images
	found  activities.Preflight
}

func (s *preflightStep) step() saga.Step {
	return saga.Step{Name: step.Preflight, Summary: "check cluster, permissions, charts, registry and hostnames", Do: s.do}
}

func (s *preflightStep) do(ctx workflow.Context) (note string, err error) {
	s.found, err = call.Get[activities.Preflight](ctx, call.Look("check what the file cannot tell"), a.Preflight, s.whole())
	s.images.apiManager = s.found.APIManagerImage
	return s.found.Summary, err
}
