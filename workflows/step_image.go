package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/drift"
	"lockstep/internal/image"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// imageStep builds the image of Identity Server and pushes it.
type imageStep struct {
	*run
	images *images
	before image.State
}

func (s *imageStep) step() saga.Step {
	return saga.Step{
		Name: step.Image, Summary: "build and push the Identity Server image",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy, Frozen: s.frozen(),
	}
}

func (s *imageStep) look(ctx workflow.Context) (err error) {
	s.before, err = call.Get[image.State](ctx, call.Work("look for the target tag and for the image to build"), a.LookImage, s.trimmed(""))
	return err
}

func (s *imageStep) do(ctx workflow.Context) (note string, err error) {
	s.images.identityServer, err = call.Get[activities.Image](ctx, call.Work("build and push "+s.env.Image.Target), a.BuildImage, s.trimmed(""))
	return s.images.identityServer.Summary, err
}

func (s *imageStep) undo(ctx workflow.Context) error {
	in := activities.UndoImageInput{Input: s.trimmed(""), Before: s.before, Built: s.images.identityServer}
	return call.Do(ctx, call.Undo("restore the target tag"), a.UndoImage, in)
}

func (s *imageStep) comparison() compared {
	return compared{step.Image, "compare the images", s.differ}
}

// differ finds out which images a deployment would use. The products' releases name them.
func (s *imageStep) differ(ctx workflow.Context) ([]drift.Item, error) {
	found, err := call.Get[activities.Images](ctx, call.Work("find out which images a deployment would use"), a.DriftImage, s.trimmed(""))
	s.images.identityServer, s.images.apiManager, s.images.known = found.Image, found.APIManagerImage, err == nil
	return found.Items, err
}

func (s *imageStep) remedy() string {
	target := s.env.Image.Target
	if !s.before.Exists {
		return fmt.Sprintf("`crane delete %s`, or by the registry's own means", target)
	}
	colon := strings.LastIndex(target, ":")
	return fmt.Sprintf("`crane tag %s@%s %s`", target[:colon], s.before.Digest, target[colon+1:])
}

// frozen has undo remove the one image that was built. The registry's credentials are in the cluster.
func (s *imageStep) frozen() []saga.Frozen {
	return append(inCluster(),
		saga.Frozen{Path: "image.base", Of: func(e config.Environment) any { return e.Image.Base }},
		saga.Frozen{Path: "image.target", Of: func(e config.Environment) any { return e.Image.Target }},
		saga.Frozen{Path: "image.platforms", Of: func(e config.Environment) any { return e.Image.Platforms }},
		saga.Frozen{Path: "image.artifacts", Of: func(e config.Environment) any { return e.Image.Artifacts }},
	)
}
