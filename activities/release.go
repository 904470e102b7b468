package activities

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"lockstep/internal/attempt"
	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/crd"
	"lockstep/internal/credentials"
	"lockstep/internal/manifest"
	"lockstep/internal/readiness"
	"lockstep/internal/redact"
	"lockstep/internal/release"
	"lockstep/internal/release/history"
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
	// Repaired are objects, as "Deployment apim/is", that somebody had removed or changed by hand, and that are as the file says again.
	Repaired []string `json:"repaired,omitempty"`
	// ChartManifest is the digest of the chart's manifest, if it came from a registry.
	ChartManifest string `json:"chartManifest,omitempty"`
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
	return state, err
}

// ApplyRelease installs or upgrades a component's release, unless it is as it should be.
func (a *Activities) ApplyRelease(ctx context.Context, in ApplyReleaseInput) (Release, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Release{}, err
	}
	progress := attempt.Progress(ctx)
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return Release{}, err
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return Release{}, err
	}
	if err := c.CheckOwner(in.Env.Name, state); err != nil {
		return Release{}, err
	}
	if c.Shared { // not by Helm, whose namespaces nobody would know as Lockstep's
		if _, err := s.cluster.EnsureNamespace(ctx, c.Namespace, cluster.Labels(in.Env.Name)); err != nil {
			return Release{}, err
		}
	}
	spec, err := releaseSpec(ctx, s.cluster, c, in)
	if err != nil {
		return Release{}, err
	}
	result, err := s.releases.Apply(ctx, spec, progress)
	return Release{Revision: result.Revision, Changed: result.Changed, ChartVersion: result.ChartVersion, ChartDigest: result.ChartDigest, ChartManifest: result.ChartManifest,
		Repaired: result.Repaired}, err
}

// WaitInput says what to wait for.
type WaitInput struct {
	Input
	Component string `json:"component"`
	// Deployments are waited for in place of those that the environment's file makes: an earlier file may have made others.
	Deployments []string `json:"deployments,omitempty"`
}

// WaitWorkload waits until the pods of a product are ready and old ones are gone. It ends early, with a diagnosis, as soon as they
// cannot become ready.
func (a *Activities) WaitWorkload(ctx context.Context, in WaitInput) error {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	progress := attempt.Progress(ctx)
	if _, err := credentials.Read(ctx, s.cluster, in.Env); err != nil { // what the pods may log
		return err
	}
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return err
	}
	options := described(c)
	names := c.Deployments
	if len(in.Deployments) > 0 {
		names = in.Deployments
	}
	group, ctx := errgroup.WithContext(ctx) // the first that cannot become ready ends the wait
	for _, name := range names {
		group.Go(func() error { return readiness.Deployment(ctx, s.cluster, c.Namespace, name, progress, options...) })
	}
	return group.Wait()
}

// described says where the environment file says what a component's Deployments are.
func described(c component.Component) []readiness.Option {
	return []readiness.Option{readiness.ValuesAt(c.DeploymentsField), readiness.LimitedBy(c.TimeoutField, c.Timeout), readiness.EndsWith(c.Signs...)}
}

// RestoreRelease uninstalls a release that was not there and rolls back one that was.
func (a *Activities) RestoreRelease(ctx context.Context, in RestoreReleaseInput) error {
	s, err := a.site(in.Release.Scope.Cluster)
	if err != nil {
		return err
	}
	return s.restore(ctx, in.Release, in.Before, attempt.Progress(ctx))
}

func (s *site) restore(ctx context.Context, of ReleaseRef, before release.State, progress func(string)) error {
	undo := release.Undo{Namespace: of.Namespace, Name: of.Name, Owner: of.Scope.Environment, Run: of.Scope.Run, Before: before}
	if err := s.releases.Restore(ctx, undo, progress); err != nil {
		return err
	}
	return s.releases.Forget(ctx, undo.Namespace, undo.Name, undo.Owner)
}

// RemoveReleaseInput names the product whose release goes.
type RemoveReleaseInput struct {
	Input
	Component string `json:"component"`
}

// RemoveRelease uninstalls a product's release. One that Lockstep did not make, or another environment's, stays.
func (a *Activities) RemoveRelease(ctx context.Context, in RemoveReleaseInput) (string, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	progress := attempt.Progress(ctx)
	c, err := component.Find(in.Env, in.Component)
	if err != nil {
		return "", err
	}
	state, err := s.releases.Look(ctx, c.Namespace, c.Release)
	if err != nil {
		return "", err
	}
	if state.IsZero() { // a deletion that was cut off has a record still
		return "not there", nil
	}
	if err := c.CheckOwner(in.Env.Name, state); err != nil {
		return "", err
	}
	if err := s.releases.Uninstall(ctx, c.Namespace, c.Release, progress); err != nil {
		return "", err
	}
	return "uninstalled", s.releases.Forget(ctx, c.Namespace, c.Release, in.Env.Name)
}

// SettleInput says which releases the operation applied, by component.
type SettleInput struct {
	Input
	Releases map[string]Release `json:"releases"`
}

// Settle gives up what undoing the operation would have needed: what releases found, records of old revisions and what replaced CRDs
// were. The operation has ended well by then, so what cannot be removed is a warning.
func (a *Activities) Settle(ctx context.Context, in SettleInput) (warnings []string, err error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	for name, applied := range in.Releases {
		where, err := component.Find(in.Env, name)
		if err != nil {
			return nil, err
		}
		if err := s.releases.Forget(ctx, where.Namespace, where.Release, in.Env.Name); err != nil {
			warnings = append(warnings, fmt.Sprintf("the prior state of release %s/%s is kept until the next deployment: %v", where.Namespace, where.Release, err))
		}
		if applied.Revision <= history.Max {
			continue
		}
		if err := s.releases.Prune(ctx, where.Namespace, where.Release); err != nil {
			warnings = append(warnings, fmt.Sprintf("old revisions of release %s/%s stay until the next deployment: %v", where.Namespace, where.Release, err))
		}
	}
	if in.Env.Routing.ReplacesCRDs() {
		if err := crd.Forget(ctx, s.cluster, in.Scope.run()); err != nil {
			warnings = append(warnings, fmt.Sprintf("copies of replaced CRDs stay until the next deployment: %v", err))
		}
	}
	left, err := certificates.Store{Cluster: s.cluster, Env: in.Env}.Tidy(ctx)
	warnings = append(warnings, left...)
	if err != nil {
		warnings = append(warnings, fmt.Sprintf("certificates that the listeners used before stay until the next deployment: %v", err))
	}
	tellAll(warnings, func(text string) string { return redact.Text(ctx, text) }) // a plain list is left alone: programs read others
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
	if pods.Checksum, err = c.Checksum(ctx, of.Namespace, of.Stores[0].Secret); err != nil {
		return release.Spec{}, err
	}
	if pods.Restart == "" {
		if pods.Restart, err = restarted(ctx, c, of); err != nil {
			return release.Spec{}, err
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
	return manifest.Text(live.Object, "spec", "template", "metadata", "annotations", manifest.RestartAnnotation), nil
}

func composed(of component.Component, in ApplyReleaseInput, pods component.Pods) (release.Spec, error) {
	spec, err := of.Spec(in.Env.Name, component.Found{IdentityServer: in.Image.Reference, Version: in.Image.Version, Home: in.Image.Home, APIManager: in.APIManagerImage}, pods)
	spec.Before, spec.Run = in.Before, in.Scope.Run
	return spec, err
}
