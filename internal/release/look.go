package release

import (
	"context"
	"strings"

	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
)

// Look says what a release is now. It changes nothing. One of Lockstep's on which somebody's helm is at work is a
// [Conflict].
func (e *Engine) Look(ctx context.Context, namespace, name string) (State, error) {
	s, err := e.open(ctx, namespace, orNothing(nil))
	if err != nil {
		return State{}, err
	}
	revisions, err := s.history(name)
	last := revisions.Last()
	if err != nil || last == nil {
		return State{}, err
	}
	state := stateOf(last)
	if state.Fingerprint == "" {
		return state, nil
	}
	if !history.Signed(last) {
		if err := busy(last, state.Owner); err != nil {
			return State{}, err
		}
	}
	return s.withObjects(state, revisions)
}

func stateOf(last *history.Revision) State {
	return State{
		Exists:      !history.IsUninstalled(last),
		Revision:    last.Version,
		Status:      last.Info.Status.String(),
		Chart:       last.Chart.Metadata.Name,
		Version:     last.Chart.Metadata.Version,
		Digest:      history.ChartDigest(last.Labels),
		Fingerprint: last.Labels[history.FingerprintLabel],
		Owner:       last.Labels[history.OwnerLabel],
		Installed:   history.Moment(last.Info.FirstDeployed),
	}
}

// withObjects adds how far the objects of the last revision were there.
func (s *session) withObjects(state State, revisions history.History) (State, error) {
	if !state.Exists {
		return state, nil
	}
	s.removing(true) // with a kind its objects are missing, and nothing more can be done about them
	defer s.removing(false)
	last, err := s.live(revisions.Last())
	if err != nil {
		return state, err
	}
	state.Missing, state.Workloads = inventory.Identities(last.Missing), last.Deployments
	deployed := revisions.BeforeLast().Deployed()
	if history.WasComplete(revisions.Last()) || deployed == nil {
		return state, nil
	}
	under, err := s.live(deployed)
	if err != nil {
		return state, err
	}
	state.Deployed, state.Behind = deployed.Version, inventory.Identities(under.Same.Difference(last.Same))
	return state, nil
}

// live says how far the objects of a revision are in the cluster.
func (s *session) live(revision *history.Revision) (inventory.Live, error) {
	objects, err := s.KubeClient.Build(strings.NewReader(revision.Manifest), false)
	if err != nil {
		return inventory.Live{}, explained("reading the objects of the release", err)
	}
	found, err := inventory.Look(objects)
	return found, explained("looking for the objects of the release", err)
}
