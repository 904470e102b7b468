package release

import (
	"context"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
)

// step is the one action that brings a release to where it should be.
type step string

const (
	nothing   step = "nothing"
	install   step = "install"
	upgrade   step = "upgrade"
	reinstall step = "reinstall" // uninstall what is there of it, then install
)

// Apply makes a release what spec says: it installs, upgrades, or leaves alone what is already so and whole. It does
// not wait for the objects to become ready, and it never touches the chart's CRDs. An object in the way that does not
// belong to the release is a [Conflict], and so is the history of a release that somebody uninstalled and kept.
func (e *Engine) Apply(ctx context.Context, spec Spec, progress func(string)) (Result, error) {
	progress = orNothing(progress)
	unlock, err := e.locks.acquire(ctx, spec.Namespace, spec.Name)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	s, err := e.open(ctx, spec.Namespace, progress)
	if err != nil {
		return Result{}, err
	}
	p, err := e.prepare(ctx, s, spec)
	if err != nil {
		return Result{}, err
	}
	return e.carryOut(ctx, s, p, progress)
}

// prepared is a spec with all that follows from it.
type prepared struct {
	Spec
	chart  fetched
	values map[string]any
	labels map[string]string
}

func (e *Engine) prepare(ctx context.Context, s *session, spec Spec) (prepared, error) {
	got, err := e.fetch(ctx, spec.Chart)
	if err != nil {
		return prepared{}, err
	}
	values, err := normal(spec.Values)
	if err != nil {
		return prepared{}, err
	}
	manifest, err := e.render(got, spec, s.Capabilities)
	if err != nil {
		return prepared{}, err
	}
	print, err := fingerprint(got.Digest, values, manifest)
	if err != nil {
		return prepared{}, err
	}
	if spec.Timeout == 0 {
		spec.Timeout = e.options.Timeout
	}
	return prepared{spec, got, values, labels(spec.Owner, print, got.Digest)}, nil
}

func (e *Engine) carryOut(ctx context.Context, s *session, p prepared, progress func(string)) (Result, error) {
	last, err := s.settled(p.Name, progress)
	if err != nil {
		return Result{}, err
	}
	next, err := s.decide(last, p)
	if err != nil {
		return Result{}, err
	}
	result := Result{Changed: true, ChartVersion: p.chart.Metadata.Version, ChartDigest: p.chart.Digest}
	if next == nothing {
		progress(fmt.Sprintf("release %s is up to date: revision %d", p.Name, last.Version))
		result.Changed, result.Revision = false, last.Version
		return result, nil
	}
	if next == reinstall {
		if err := e.remove(ctx, s, last, progress); err != nil {
			return Result{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("applying release %s: %w", p.Name, err)
	}
	progress(fmt.Sprintf("%s of release %s: chart %s %s", next, p.Name, p.chart.Name(), p.chart.Metadata.Version))
	done, err := s.run(next, p)
	if err != nil {
		return Result{}, s.explain("applying release "+p.Name, err)
	}
	result.Revision = done.Version
	return result, nil
}

// decide chooses the one action for a release whose newest revision is last.
func (s *session) decide(last *helmrelease.Release, p prepared) (step, error) {
	if last == nil {
		return install, nil
	}
	if s.keptByHand(last) {
		return nothing, &Problem{Reason: Conflict, Message: fmt.Sprintf("somebody uninstalled release %s and kept its history", last.Name),
			NextMove: fmt.Sprintf("forget it (helm uninstall %s -n %s), roll it back (helm rollback), or give another release name", last.Name, p.Namespace)}
	}
	switch last.Info.Status {
	case helmrelease.StatusUninstalled, helmrelease.StatusUninstalling:
		return reinstall, nil
	case helmrelease.StatusDeployed:
		if last.Labels[fingerprintLabel] != p.labels[fingerprintLabel] || !s.made(last) {
			return upgrade, nil
		}
		missing, err := s.missing(last.Manifest)
		if err != nil || missing != "" {
			return upgrade, err
		}
		return nothing, nil
	}
	// Helm can upgrade a failed first revision, but then runs the hooks for upgrades: what a chart does only when it is
	// installed would never be done.
	if !hasInstallOnlyHooks(last) {
		return upgrade, nil
	}
	deployed, err := s.everDeployed(last.Name)
	if err != nil || deployed {
		return upgrade, err
	}
	return reinstall, nil
}

func hasInstallOnlyHooks(release *helmrelease.Release) bool {
	return slices.ContainsFunc(release.Hooks, func(hook *helmrelease.Hook) bool {
		has := func(event helmrelease.HookEvent) bool { return slices.Contains(hook.Events, event) }
		return has(helmrelease.HookPreInstall) && !has(helmrelease.HookPreUpgrade) ||
			has(helmrelease.HookPostInstall) && !has(helmrelease.HookPostUpgrade)
	})
}

// run carries out an install or upgrade. It has no context on purpose: Helm would go on in the background.
func (s *session) run(next step, p prepared) (*helmrelease.Release, error) {
	if next == upgrade {
		u := action.NewUpgrade(s.Configuration)
		u.Namespace, u.Labels, u.Timeout = p.Namespace, p.labels, p.Timeout
		u.MaxHistory, u.ResetValues = maxHistory, true
		u.SkipCRDs, u.DisableOpenAPIValidation = true, true
		u.PostRenderer = p.postRenderer()
		u.Description = described("upgrade", p)
		return u.Run(p.Name, p.chart.Chart, p.values)
	}
	i := action.NewInstall(s.Configuration)
	i.ReleaseName, i.Namespace, i.Labels, i.Timeout = p.Name, p.Namespace, p.labels, p.Timeout
	i.CreateNamespace = p.CreateNamespace
	i.SkipCRDs, i.DisableOpenAPIValidation = true, true
	i.PostRenderer = p.postRenderer()
	i.Description = described("install", p)
	return i.Run(p.chart.Chart, p.values)
}

func described(verb string, p prepared) string {
	return fmt.Sprintf("%s%s, chart %s", verb, byLockstep, p.chart.Digest)
}
