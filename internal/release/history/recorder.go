package history

import (
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Recording says how an action records the revision that it makes.
type Recording struct {
	Owner string // whose action it is
	// Replaces is the unfinished revision that the action carries on. Nil: none.
	Replaces *Revision
	// First is done with the revision before it is recorded. Nil: nothing.
	First func(*Revision) error
}

// recorder is Helm's storage for one action. It lets the action carry on the revision that a killed one began: Helm plans
// as if that were not there and then writes over it, so that the release has a record at every moment and one revision in
// the end. It signs the revision that the action makes. And it writes nothing more after a write failed: Helm only logs
// that, and would call deployed what is recorded as pending.
type recorder struct {
	driver.Driver
	Recording
	made   string // key of the revision that the action makes
	failed error
}

// Record carries out an action that makes a revision.
func Record(records *storage.Storage, how Recording, act func(*storage.Storage) error) error {
	r := &recorder{Driver: records.Driver, Recording: how}
	if err := act(&storage.Storage{Driver: r, Log: records.Log}); err != nil { // without MaxHistory: nothing is pruned in an operation
		return err
	}
	return r.failed
}

func (r *recorder) Get(key string) (*Revision, error) {
	if r.replaces(key) {
		return nil, driver.ErrReleaseNotFound
	}
	return r.Driver.Get(key)
}

func (r *recorder) List(filter func(*Revision) bool) ([]*Revision, error) {
	all, err := r.Driver.List(filter)
	return r.visible(all), err
}

func (r *recorder) Query(labels map[string]string) ([]*Revision, error) {
	all, err := r.Driver.Query(labels)
	if err != nil {
		return nil, err
	}
	if all = r.visible(all); len(all) == 0 {
		return nil, driver.ErrReleaseNotFound
	}
	return all, nil
}

func (r *recorder) visible(all []*Revision) []*Revision {
	return slices.DeleteFunc(all, func(revision *Revision) bool { return r.replaces(Key(revision)) })
}

// replaces says whether the record is one that is still to be written over.
func (r *recorder) replaces(key string) bool { return r.Replaces != nil && key == Key(r.Replaces) }

func (r *recorder) Create(key string, made *Revision) error {
	if r.First != nil {
		if r.failed = r.First(made); r.failed != nil {
			return r.failed
		}
	}
	sign(made, r.Owner)
	write := r.Driver.Create
	if r.replaces(key) {
		write = r.Driver.Update
	}
	if r.failed = write(key, made); r.failed == nil {
		r.made, r.Replaces = key, nil
	}
	return r.failed
}

func (r *recorder) Update(key string, made *Revision) error {
	if r.failed != nil {
		return r.failed
	}
	if key == r.made {
		sign(made, r.Owner)
	}
	r.failed = r.Driver.Update(key, made)
	return r.failed
}

// ByLockstep is in the description of every revision that Lockstep makes.
const ByLockstep = " by Lockstep"

// sign puts Lockstep's name into the description, which Helm hands on to no other revision as it does labels, and the
// owner's into the labels, which a rollback has from another revision.
func sign(r *Revision, owner string) {
	if !Signed(r) {
		r.Info.Description += ", run" + ByLockstep
	}
	r.Labels = maps.Clone(r.Labels)
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.Labels[OwnerLabel] = owner
}

// Signed says whether Lockstep made a revision.
func Signed(r *Revision) bool { return strings.Contains(r.Info.Description, ByLockstep) }
