package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/internal/drift"
	"lockstep/internal/release"
	"lockstep/workflows/call"
)

// helmRelease is the Helm release that a step installs.
type helmRelease struct {
	*run
	name   string // of the component
	images *images
	before release.State
	// applied is what came of it, once it was tried.
	applied *activities.Release
	changed bool // this run changed it, or may have
}

// images are those that charts name.
type images struct {
	identityServer activities.Image
	apiManager     string
	known          bool // they were found out without being made
}

func (h *helmRelease) ref() activities.ReleaseRef {
	c := h.component(h.name)
	return activities.ReleaseRef{Scope: h.scope, Namespace: c.Namespace, Name: c.Release}
}

func (h *helmRelease) look(ctx workflow.Context) (err error) {
	h.before, err = call.Get[release.State](ctx, call.Quick("look for release "+h.ref().Name), a.LookRelease, h.ref())
	return err
}

// input is what the release is made of.
func (h *helmRelease) input() activities.ApplyReleaseInput {
	return activities.ApplyReleaseInput{Input: h.trimmed(h.name), Component: h.name, Image: h.images.identityServer, APIManagerImage: h.images.apiManager}
}

func (h *helmRelease) apply(ctx workflow.Context) error {
	in := h.input()
	in.Before, in.Restart = h.before, h.restart
	applied, err := call.Get[activities.Release](ctx, call.Work("apply release "+h.ref().Name), a.ApplyRelease, in)
	h.applied = &applied
	h.changed = h.changed || err != nil || applied.Revision != h.before.Revision // an attempt before may have done it
	return err
}

func (h *helmRelease) undo(ctx workflow.Context) error {
	in := activities.RestoreReleaseInput{Release: h.ref(), Before: h.before}
	return call.Do(ctx, call.Undo("restore release "+h.ref().Name), a.RestoreRelease, in)
}

// differ compares the release with what a deployment would make of it.
func (h *helmRelease) differ(ctx workflow.Context) ([]drift.Item, error) {
	return call.Get[[]drift.Item](ctx, call.Look("compare release "+h.ref().Name), a.DriftRelease, h.input())
}

func (h *helmRelease) note() string {
	if !h.applied.Changed {
		return fmt.Sprintf("unchanged, revision %d", h.applied.Revision)
	}
	if repaired := h.applied.Repaired; len(repaired) > 0 {
		return fmt.Sprintf("revision %d puts back what somebody removed or changed by hand: %s", h.applied.Revision, some(repaired))
	}
	return fmt.Sprintf("revision %d", h.applied.Revision)
}

// some names the first few.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

func (h *helmRelease) remedy() string {
	name, namespace := h.ref().Name, h.ref().Namespace
	forget := fmt.Sprintf(", then `kubectl delete secret %s -n %s --ignore-not-found`", release.SnapshotSecret(name, h.env.Name), namespace)
	if h.before.Exists {
		return fmt.Sprintf("`helm rollback %s %d -n %s`", name, h.before.Revision, namespace) + forget
	}
	return fmt.Sprintf("`helm uninstall %s -n %s`, which also removes what an installation without records left there earlier", name, namespace) + forget
}
