package release

import (
	"context"
	"fmt"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"
)

// Look says what a release is now. It changes nothing. One of Lockstep's on which somebody's helm is at work is a
// [Conflict].
func (e *Engine) Look(ctx context.Context, namespace, name string) (State, error) {
	s, err := e.open(ctx, namespace, orNothing(nil))
	if err != nil {
		return State{}, err
	}
	history, err := s.history(name)
	last := newest(history)
	if err != nil || last == nil {
		return State{}, err
	}
	state := stateOf(last)
	if state.Fingerprint == "" {
		return state, nil
	}
	if !signed(last) {
		if err := busy(last, state.Owner); err != nil {
			return State{}, err
		}
	}
	return s.withObjects(state, history)
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

// withObjects adds how far the objects of the last revision were there.
func (s *session) withObjects(state State, history []*helmrelease.Release) (State, error) {
	if !state.Exists {
		return state, nil
	}
	s.removing(true) // with a kind its objects are missing, and nothing more can be done about them
	defer s.removing(false)
	last, err := s.liveOf(newest(history))
	if err != nil {
		return state, err
	}
	state.Missing, state.Workloads = listed(last.missing), last.deployments
	deployed := deployedIn(before(history))
	if complete(newest(history)) || deployed == nil {
		return state, nil
	}
	under, err := s.liveOf(deployed)
	if err != nil {
		return state, err
	}
	state.Deployed, state.Behind = deployed.Version, listed(under.same.Difference(last.same))
	return state, nil
}

// removed says whether a release counts as not there: it is uninstalled, or an uninstallation of ours was cut off.
func removed(last *helmrelease.Release) bool {
	return last.Info.Status == helmrelease.StatusUninstalled ||
		last.Info.Status == helmrelease.StatusUninstalling && last.Labels[fingerprintLabel] != ""
}

func moment(t helmtime.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// byLockstep is in the description of every revision that this package makes.
const byLockstep = " by Lockstep"

// made says whether the revision is what its labels say. Helm hands labels on: a revision that somebody else made after
// one of ours carries its fingerprint, but not its description. A rollback is what the revision it went back to was.
func (s *session) made(revision *helmrelease.Release) bool {
	for range MaxHistory {
		var target int
		if _, err := fmt.Sscanf(revision.Info.Description, "Rollback to %d", &target); err != nil {
			return signed(revision)
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
