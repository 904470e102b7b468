// Package preflight looks at all that an environment file cannot tell before anything is touched: the cluster and what the account may
// there, charts, registry, and what of somebody else is in the way.
package preflight

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"lockstep/config"
	"lockstep/config/validation"
	"lockstep/internal/certificates"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/image"
	"lockstep/internal/release"
)

// Site is where an environment goes.
type Site struct {
	Cluster  *cluster.Client
	Charts   *chart.Fetcher
	Releases *release.Engine
	// Builder reaches the registries; it reads their credentials first.
	Builder func(context.Context) (*image.Builder, error)
}

// Found is what there is to know of an environment that can be deployed.
type Found struct {
	Kubernetes      string // version
	APIManagerImage string // repository@digest
	Warnings        []string
}

// Check looks at everything. Every problem is reported, not the first.
func Check(ctx context.Context, s Site, env config.Environment) (Found, error) {
	version, err := s.Cluster.Version(ctx)
	if err != nil {
		return Found{}, err // nothing else can be asked
	}
	found := Found{Kubernetes: version.String()}
	for _, warning := range validation.Warnings(env) {
		found.Warnings = append(found.Warnings, warning.String())
	}
	var unneeded []string // the checks run side by side
	denied := Permissions(ctx, s.Cluster, env)
	checks := []check{
		func(ctx context.Context) error { return denied },
		func(ctx context.Context) error { return checkVersion(version, env, &found, time.Now()) },
		func(ctx context.Context) error { return checkCharts(ctx, s.Cluster, s.Releases, env) },
		func(ctx context.Context) error { return checkRegistry(ctx, s.Builder, env, &found) },
	}
	if denied == nil { // otherwise each of these would say so again
		checks = append(checks,
			func(ctx context.Context) error { return checkGatewayKinds(ctx, s.Cluster, s.Charts, env, &unneeded) },
			func(ctx context.Context) error { return checkController(ctx, s, env) },
			func(ctx context.Context) error { return checkReferences(ctx, s.Cluster, env) },
			certificates.Store{Cluster: s.Cluster, Env: env}.CheckListener,
			certificates.Store{Cluster: s.Cluster, Env: env}.CheckFormer,
			certificates.Store{Cluster: s.Cluster, Env: env}.CheckAuthority,
			func(ctx context.Context) error { return checkReleases(ctx, s.Releases, env) },
			func(ctx context.Context) error { return checkOwners(ctx, s.Cluster, env) })
	}
	err = all(ctx, checks)
	found.Warnings = append(found.Warnings, unneeded...)
	return found, err
}

// check is one look. What it finds wrong is a failure.
type check func(context.Context) error

// all runs checks side by side and joins what they found.
func all(ctx context.Context, checks []check) error {
	errs := make([]error, len(checks))
	var g errgroup.Group
	for i, check := range checks {
		g.Go(func() error {
			errs[i] = check(ctx)
			return nil
		})
	}
	_ = g.Wait()
	return failure.Join(errs...)
}

// checkController refuses a second gateway controller.
func checkController(ctx context.Context, s Site, env config.Environment) error {
	if !env.Routing.Installs() {
		return nil
	}
	state, err := s.Releases.Look(ctx, env.Routing.Namespace, env.Routing.Release)
	if err != nil || state.Exists {
		return err
	}
	return gateway.CheckAlone(ctx, s.Cluster, env)
}
