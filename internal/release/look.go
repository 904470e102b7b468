package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
)

// Look says what a release is now. It changes nothing.
func (e *Engine) Look(ctx context.Context, namespace, name string) (State, error) {
	s, err := e.open(ctx, namespace, orNothing(nil))
	if err != nil {
		return State{}, err
	}
	last, err := s.last(name)
	if err != nil || last == nil {
		return State{}, err
	}
	return stateOf(last), nil
}

func stateOf(last *helmrelease.Release) State {
	return State{
		Exists:      !removed(last),
		Revision:    last.Version,
		Status:      last.Info.Status.String(),
		Chart:       last.Chart.Metadata.Name,
		Version:     last.Chart.Metadata.Version,
		Digest:      digestIn(last.Labels),
		Fingerprint: last.Labels[fingerprintLabel],
		Owner:       last.Labels[ownerLabel],
		Installed:   moment(last.Info.FirstDeployed),
	}
}

// removed says whether a release counts as not there: it is uninstalled, or an uninstallation of ours was cut off.
func removed(last *helmrelease.Release) bool {
	return last.Info.Status == helmrelease.StatusUninstalled ||
		last.Info.Status == helmrelease.StatusUninstalling && last.Labels[fingerprintLabel] != ""
}

func moment(t helmtime.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// last is the newest revision of a release, or nil if there is none.
func (s *session) last(name string) (*helmrelease.Release, error) {
	last, err := s.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, problem("reading release "+name, err)
	}
	return last, nil
}

// settled is the newest revision after one that a killed process left pending was marked as failed. The caller holds
// the release's lock, so no living action of this process is at work on it; that no other process is must be
// ensured by the caller (one operation at a time per environment).
func (s *session) settled(name string, progress func(string)) (*helmrelease.Release, error) {
	last, err := s.last(name)
	if err != nil || last == nil || !last.Info.Status.IsPending() {
		return last, err
	}
	progress(fmt.Sprintf("release %s was left %s: marking revision %d as failed", name, last.Info.Status, last.Version))
	last.SetStatus(helmrelease.StatusFailed, fmt.Sprintf("interrupted while %s", last.Info.Status))
	if err := s.Releases.Update(last); err != nil {
		return nil, problem("marking release "+name+" as failed", err)
	}
	return last, nil
}

// everDeployed says whether any revision of the release was once complete.
func (s *session) everDeployed(name string) (bool, error) {
	history, err := s.Releases.History(name)
	if err != nil {
		return false, problem("reading release "+name, err)
	}
	for _, revision := range history {
		switch revision.Info.Status {
		case helmrelease.StatusDeployed, helmrelease.StatusSuperseded:
			return true, nil
		}
	}
	return false, nil
}

// byLockstep is in the description of every revision that this package makes.
const byLockstep = " by Lockstep"

// made says whether the revision is what its labels say. Helm hands labels on: a revision that somebody else made after
// one of ours carries its fingerprint, but not its description. A rollback is what the revision it went back to was.
func (s *session) made(revision *helmrelease.Release) bool {
	for range maxHistory {
		if strings.Contains(revision.Info.Description, byLockstep) {
			return true
		}
		var target int
		if _, err := fmt.Sscanf(revision.Info.Description, "Rollback to %d", &target); err != nil {
			return false
		}
		before, err := s.Releases.Get(revision.Name, target)
		if err != nil {
			return false // no longer in the history: an upgrade settles it
		}
		revision = before
	}
	return false
}

// keptByHand says whether the revision is the history that somebody else wanted to keep: helm uninstall --keep-history.
func (s *session) keptByHand(last *helmrelease.Release) bool {
	return last.Info.Status == helmrelease.StatusUninstalled && !s.made(last)
}
