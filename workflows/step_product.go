package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
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

func (s *productStep) removal() saga.Step {
	summary := "uninstall " + s.component(s.name).Title
	return removal(s.name, summary, func(ctx workflow.Context) (string, error) {
		in := activities.RemoveReleaseInput{Input: s.trimmed(""), Component: s.name}
		return call.Get[string](ctx, call.Undo(summary), a.RemoveRelease, in)
	})
}

func (s *productStep) comparison() compared {
	return compared{s.name, "compare " + s.component(s.name).Title, s.differ}
}

// differ compares the release, whose values name the images, and looks at its pods.
func (s *productStep) differ(ctx workflow.Context) ([]drift.Item, error) {
	if !s.images.known {
		return nil, call.Failed(failure.Conflict, "not compared: the images are not known")
	}
	items, err := s.helmRelease.differ(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := call.Get[[]drift.Item](ctx, call.Quick("look at the pods"), a.DriftWorkload, activities.WaitInput{Input: s.trimmed(""), Component: s.name})
	return append(items, pods...), err
}
