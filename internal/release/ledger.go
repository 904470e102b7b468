package release

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// ledger is Helm's storage for one action. It lets the action take over the revision that a killed one began: Helm
// plans as if that were not there and then writes over it, so that the release has a record at every moment and one
// revision in the end. It signs the revision that the action makes. And it writes nothing more after a write failed:
// Helm only logs that, and would call deployed what is recorded as pending.
type ledger struct {
	driver.Driver
	hidden *helmrelease.Release             // until it is written over; nil: none
	owner  string                           // whose action it is
	first  func(*helmrelease.Release) error // is done before the revision that the action makes is recorded
	made   string                           // key of the revision that the action makes
	failed error
}

// ledgered carries out an action of owner's that makes a revision, in place of taken unless that is nil, after doing
// first with that revision.
func (s *session) ledgered(owner string, taken *helmrelease.Release, first func(*helmrelease.Release) error, act func(*action.Configuration) error) error {
	l := &ledger{Driver: s.Releases.Driver, hidden: taken, owner: owner, first: first}
	cfg := *s.Configuration
	cfg.Releases = &storage.Storage{Driver: l, Log: s.Releases.Log} // no MaxHistory: see [Engine.Prune]
	if err := act(&cfg); err != nil {
		return err
	}
	return l.failed
}

func nothingFirst(*helmrelease.Release) error { return nil }

func (l *ledger) Get(key string) (*helmrelease.Release, error) {
	if l.hidden != nil && key == keyOf(l.hidden) {
		return nil, driver.ErrReleaseNotFound
	}
	return l.Driver.Get(key)
}

func (l *ledger) List(filter func(*helmrelease.Release) bool) ([]*helmrelease.Release, error) {
	all, err := l.Driver.List(filter)
	return l.visible(all), err
}

func (l *ledger) Query(labels map[string]string) ([]*helmrelease.Release, error) {
	all, err := l.Driver.Query(labels)
	if err != nil {
		return nil, err
	}
	if all = l.visible(all); len(all) == 0 {
		return nil, driver.ErrReleaseNotFound
	}
	return all, nil
}

func (l *ledger) visible(all []*helmrelease.Release) []*helmrelease.Release {
	return slices.DeleteFunc(all, func(r *helmrelease.Release) bool { return l.hidden != nil && keyOf(r) == keyOf(l.hidden) })
}

func (l *ledger) Create(key string, r *helmrelease.Release) error {
	if l.failed = l.first(r); l.failed != nil {
		return l.failed
	}
	l.sign(r)
	write := l.Driver.Create
	if l.hidden != nil && key == keyOf(l.hidden) {
		write = l.Driver.Update
	}
	if l.failed = write(key, r); l.failed == nil {
		l.made, l.hidden = key, nil
	}
	return l.failed
}

func (l *ledger) Update(key string, r *helmrelease.Release) error {
	if l.failed != nil {
		return l.failed
	}
	if key == l.made {
		l.sign(r)
	}
	l.failed = l.Driver.Update(key, r)
	return l.failed
}

// sign puts Lockstep's name into the description, which Helm hands on to no other revision as it does labels, and the
// owner's into the labels, which a rollback has from another revision.
func (l *ledger) sign(r *helmrelease.Release) {
	if !signed(r) {
		r.Info.Description += ", run" + byLockstep
	}
	r.Labels = maps.Clone(r.Labels)
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.Labels[ownerLabel] = l.owner
}

func signed(r *helmrelease.Release) bool { return strings.Contains(r.Info.Description, byLockstep) }

// keyOf is the name of a revision's record.
func keyOf(r *helmrelease.Release) string {
	return fmt.Sprintf("%s.%s.v%d", storage.HelmStorageType, r.Name, r.Version)
}
