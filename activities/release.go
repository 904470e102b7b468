package activities

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/crd"
	"lockstep/internal/manifest"
	"lockstep/internal/release"
)

// ReleaseRef names a Helm release.
type ReleaseRef struct {
	Scope     Scope  `json:"scope"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Release is an applied release.
type Release struct {
	Revision     int    `json:"revision"`
	Changed      bool   `json:"changed"`
	ChartVersion string `json:"chartVersion"`
	ChartDigest  string `json:"chartDigest"`
}

// ApplyReleaseInput says which release to apply, with the images that earlier steps found.
type ApplyReleaseInput struct {
	Input
	Component       string `json:"component"`
	Image           Image  `json:"image"`           // of Identity Server
	APIManagerImage string `json:"apiManagerImage"` // repository@digest
	// Before is what [Activities.LookRelease] saw: an unfinished revision that came since is this operation's.
	Before release.State `json:"before,omitzero"`
	// Restart is the moment of a restart of the product's pods, which every later revision keeps; empty: they are not restarted for that.
	Restart string `json:"restart,omitempty"`
}

// RestoreReleaseInput says what to go back to.
type RestoreReleaseInput struct {
	Release ReleaseRef    `json:"release"`
	Before  release.State `json:"before"`
}

// LookRelease reads the state of a release, for [Activities.RestoreRelease].
func (a *Activities) LookRelease(ctx context.Context, in ReleaseRef) (release.State, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return release.State{}, err
	}
	state, err := s.releases.Look(ctx, in.Namespace, in.Name)
	return state, classifyRelease(err)
}

// ApplyRelease installs or upgrades a component's release, unless it is as it should be.
func (a *Activities) ApplyRelease(ctx context.Context, in ApplyReleaseInput) (Release, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Release{}, err
	}
	progress := progress(ctx)
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return Release{}, classify(err)
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return Release{}, classifyRelease(err)
	}
	if err := ours(in.Env, c, state); err != nil {
		return Release{}, err
	}
	if c.Shared { // not by Helm, whose namespaces nobody would know as Lockstep's
		if _, err := s.cluster.EnsureNamespace(ctx, c.Namespace, cluster.Labels(in.Env.Name)); err != nil {
			return Release{}, classifyCluster(err)
		}
	}
	spec, err := releaseSpec(ctx, s.cluster, c, in)
	if err != nil {
		return Release{}, err
	}
	result, err := s.releases.Apply(ctx, spec, progress)
	return Release{Revision: result.Revision, Changed: result.Changed, ChartVersion: result.ChartVersion, ChartDigest: result.ChartDigest},
		classifyRelease(err)
}

// RestoreRelease uninstalls a release that was not there and rolls back one that was.
func (a *Activities) RestoreRelease(ctx context.Context, in RestoreReleaseInput) error {
	s, err := a.site(in.Release.Scope.Cluster)
	if err != nil {
		return err
	}
	return s.restore(ctx, in.Release, in.Before, progress(ctx))
}

func (s *site) restore(ctx context.Context, of ReleaseRef, before release.State, progress func(string)) error {
	undo := release.Undo{Namespace: of.Namespace, Name: of.Name, Owner: of.Scope.Environment, Run: of.Scope.Run, Before: before}
	if err := s.releases.Restore(ctx, undo, progress); err != nil {
		return classifyRelease(err)
	}
	return classifyRelease(s.releases.Forget(ctx, undo.Namespace, undo.Name, undo.Owner))
}

// SettleInput says which releases the operation applied, by component.
type SettleInput struct {
	Input
	Releases map[string]Release `json:"releases"`
}

// Settle gives up what undoing the operation would have needed: what releases found, records of old revisions and what replaced kinds were. The operation
// has ended well by then, so what cannot be removed is a warning.
func (a *Activities) Settle(ctx context.Context, in SettleInput) (warnings []string, err error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	for name, applied := range in.Releases {
		where, err := component.Find(in.Env, name)
		if err != nil {
			return nil, classify(err)
		}
		if err := s.releases.Forget(ctx, where.Namespace, where.Release, in.Env.Name); err != nil {
			warnings = append(warnings, fmt.Sprintf("the prior state of release %s/%s is kept until the next deployment: %v", where.Namespace, where.Release, err))
		}
		if applied.Revision <= release.MaxHistory {
			continue
		}
		if err := s.releases.Prune(ctx, where.Namespace, where.Release); err != nil {
			warnings = append(warnings, fmt.Sprintf("old revisions of release %s/%s stay until the next deployment: %v", where.Namespace, where.Release, err))
		}
	}
	if ReplacesCRDs(in.Env) {
		if err := crd.Forget(ctx, s.cluster, in.Scope.run()); err != nil {
			warnings = append(warnings, fmt.Sprintf("copies of replaced CRDs stay until the next deployment: %v", err))
		}
	}
	return warnings, nil
}

// releaseSpec composes what Helm is asked for, with a checksum over the stores that makes pods restart when they change, and the moment
// of their last restart.
func releaseSpec(ctx context.Context, c *cluster.Client, of component.Component, in ApplyReleaseInput) (release.Spec, error) {
	if !of.Product {
		return composed(of, in, component.Pods{})
	}
	pods := component.Pods{Restart: in.Restart}
	var err error
	if pods.Checksum, err = c.Checksum(ctx, of.Namespace, of.Stores.Secret); err != nil {
		return release.Spec{}, classifyCluster(err)
	}
	if pods.Restart == "" {
		if pods.Restart, err = restarted(ctx, c, of); err != nil {
			return release.Spec{}, classifyCluster(err)
		}
	}
	return composed(of, in, pods)
}

// restarted is when the product's pods were restarted by a rebuild, if they were: without it they would be replaced once more.
func restarted(ctx context.Context, c *cluster.Client, of component.Component) (string, error) {
	live, found, err := c.Get(ctx, cluster.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: of.Namespace, Name: of.Deployments[0]})
	if err != nil || !found {
		return "", err
	}
	moment, _, err := unstructured.NestedString(live.Object, "spec", "template", "metadata", "annotations", manifest.RestartAnnotation)
	return moment, err
}

// composed is what Helm is asked for. No secret is in it: the charts get references.
func composed(of component.Component, in ApplyReleaseInput, pods component.Pods) (release.Spec, error) {
	spec := release.Spec{Name: of.Release, Namespace: of.Namespace, Owner: in.Env.Name, Before: in.Before, Run: in.Scope.Run, Chart: of.Chart}
	for _, ref := range of.HookObjects {
		spec.HookObjects = append(spec.HookObjects, releaseObject(ref))
	}
	if of.Mend != nil {
		spec.PostRender = func(objects []*unstructured.Unstructured) error { return of.Mend(objects, pods) }
	}
	var err error
	spec.Values, err = of.Values(component.Found{IdentityServer: in.Image.Reference, Version: in.Image.Version, Home: in.Image.Home, APIManager: in.APIManagerImage})
	if err != nil {
		return spec, failure(TypeInvalidConfig, err.Error())
	}
	return spec, nil
}
