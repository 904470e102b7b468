package release

import (
	"fmt"
	"slices"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"lockstep/internal/drift"
	"lockstep/internal/release/history"
	"lockstep/internal/release/repair"
)

// step is the one action that brings a release to where it should be.
type step string

const (
	nothing   step = "nothing"
	install   step = "install"
	upgrade   step = "upgrade"
	replace   step = "new install"    // over revisions that were never complete: hooks for installations run
	reinstall step = "reinstallation" // uninstall what is there of it, then install
)

// plan is the one action and what it starts from.
type plan struct {
	step    step
	history history.History   // that Helm sees, the oldest first
	taken   *history.Revision // the unfinished revision that is carried on; nil: none
	repairs []string          // objects that somebody removed or changed by hand
}

func (s *session) plan(p prepared, progress func(string)) (plan, error) {
	revisions, err := s.history(p.Name)
	if err != nil {
		return plan{}, err
	}
	last := revisions.Last()
	if err := busy(last, p.Owner); err != nil {
		return plan{}, err
	}
	if err := s.markDeployed(revisions, p.Before); err != nil {
		return plan{}, err
	}
	if resumable(revisions, p) {
		progress(fmt.Sprintf("carrying on with revision %d of release %s, which was left %s", last.Version, p.Name, last.Info.Status))
		under := revisions.BeforeLast()
		return plan{step: again(under), history: under, taken: last}, nil
	}
	if err := s.markFailed(last, progress); err != nil {
		return plan{}, err
	}
	next, repairs, err := s.decide(revisions, p)
	return plan{step: next, history: revisions, repairs: repairs}, err
}

// decide chooses the one action for a release with this history. An upgrade to the same definition is for the objects that it names.
func (s *session) decide(revisions history.History, p prepared) (next step, repairs []string, err error) {
	last := revisions.Last()
	if last == nil {
		return install, nil, nil
	}
	if revisions.KeptByHand() {
		return nothing, nil, final(Conflict, fmt.Sprintf("remove its history (helm uninstall %s -n %s), roll it back (helm rollback), or give another release name", last.Name, p.Namespace),
			"somebody uninstalled release %s and kept its history", last.Name)
	}
	switch last.Info.Status {
	case helmrelease.StatusUninstalled, helmrelease.StatusUninstalling:
		return reinstall, nil, nil
	case helmrelease.StatusDeployed:
		if last.Labels[history.FingerprintLabel] != p.labels[history.FingerprintLabel] || !revisions.MadeByLockstep(last) {
			return upgrade, nil, nil
		}
		changed, err := s.changedObjects(last)
		changed = slices.DeleteFunc(changed, func(i drift.Item) bool { return i.Next == repair.Stays })
		if err != nil || len(changed) == 0 {
			return nothing, nil, err
		}
		return upgrade, objectsOf(changed), nil
	}
	return again(revisions), nil, nil
}

// objectsOf names the objects of differences, each once.
func objectsOf(items []drift.Item) (names []string) {
	for _, item := range items {
		if !slices.Contains(names, item.Object) {
			names = append(names, item.Object)
		}
	}
	return names
}

// again is how to go on from a revision that is not complete. Helm can upgrade a failed first revision, but then runs
// the hooks for upgrades: what a chart does only when it is installed would never be done.
func again(revisions history.History) step {
	last := revisions.Last()
	if last == nil {
		return install
	}
	if hasInstallOnlyHooks(last) && !slices.ContainsFunc(revisions, history.WasComplete) {
		return replace
	}
	return upgrade
}

func hasInstallOnlyHooks(release *history.Revision) bool {
	return slices.ContainsFunc(release.Hooks, func(hook *helmrelease.Hook) bool {
		has := func(event helmrelease.HookEvent) bool { return slices.Contains(hook.Events, event) }
		return has(helmrelease.HookPreInstall) && !has(helmrelease.HookPreUpgrade) ||
			has(helmrelease.HookPostInstall) && !has(helmrelease.HookPostUpgrade)
	})
}
