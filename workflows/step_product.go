package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// productStep installs one of WSO2's products: it applies the release, then waits for the pods. The step is called as the component.
type productStep struct{ helmRelease }

func (s *productStep) step() saga.Step {
	return saga.Step{
		Name: s.name, Summary: "install " + s.component(s.name).Title + " and wait until it is ready",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
	}
}

func (s *productStep) do(ctx workflow.Context) (string, error) {
	if err := s.apply(ctx); err != nil {
		return "", err
	}
	in := activities.WaitInput{Input: s.trimmed(""), Component: s.name}
	return s.note(), call.Do(ctx, call.Wait("wait until "+s.name+" is ready", s.component(s.name).Timeout), a.WaitWorkload, in)
}
