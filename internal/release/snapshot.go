package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/failure"
	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
	"lockstep/internal/release/snapshot"
)

// SnapshotSecret is the Secret beside Helm's records that holds what there was before a run of the owner's, until that has ended or is undone.
func SnapshotSecret(release, owner string) string {
	return snapshot.Key{Release: release, Owner: owner}.Secret()
}

// Snapshot reads what the run that is to be undone found before it changed anything.
func (e *Engine) Snapshot(ctx context.Context, u Undo) (snapshot.Snapshot, error) {
	store, err := e.snapshots(ctx, u.Namespace)
	if err != nil {
		return snapshot.Snapshot{}, err
	}
	found, err := store.Read(ctx, u.key())
	return found, explained("reading the prior state of release "+u.Name, err)
}

// Forget gives up what owner's runs kept for undoing what they did to a release: it is done, or not wanted any more.
func (e *Engine) Forget(ctx context.Context, namespace, name, owner string) error {
	store, err := e.snapshots(ctx, namespace)
	if err != nil {
		return err
	}
	return explained("deleting the prior state of release "+name, store.Forget(ctx, snapshot.Key{Release: name, Owner: owner}))
}

func (e *Engine) snapshots(ctx context.Context, namespace string) (*snapshot.Store, error) {
	config, err := leased{e.options.Getter(namespace), ctx}.ToRESTConfig()
	if err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, explained("connecting to the cluster", err)
	}
	return snapshot.NewStore(clients.CoreV1().Secrets(namespace)), nil
}

func (u Undo) key() snapshot.Key { return snapshot.Key{Release: u.Name, Owner: u.Owner, Run: u.Run} }

func (s Spec) key() snapshot.Key { return snapshot.Key{Release: s.Name, Owner: s.Owner, Run: s.Run} }

// readSnapshot reads what this run found, which nothing then deletes.
func (s *session) readSnapshot(ctx context.Context, k snapshot.Key) (err error) {
	if s.snapshots != nil {
		s.waits.found, err = s.snapshots.Read(ctx, k)
	}
	return explained("reading the prior state of release "+k.Release, err)
}

// takeSnapshot notes what there is of the objects that a revision is going to make and adopt, before it is recorded. What an attempt
// before it noted stays: it saw them first.
func (s *session) takeSnapshot(ctx context.Context, p prepared, todo plan) func(*history.Revision) error {
	return func(next *history.Revision) error {
		if s.snapshots == nil {
			return nil
		}
		objects, err := s.unrecorded(p, todo, next)
		if err != nil {
			return explained("looking at the objects of release "+p.Name, err)
		}
		all, changed, err := s.waits.found.With(objects)
		if err != nil || !changed {
			return explained("looking at the objects of release "+p.Name, err)
		}
		s.waits.found, err = s.snapshots.Keep(ctx, p.key(), all)
		return explained("keeping the prior state of release "+p.Name, err)
	}
}

// unrecorded are the objects of a revision that no record tells how to put back, its hooks' included.
func (s *session) unrecorded(p prepared, todo plan, next *history.Revision) (kube.ResourceList, error) {
	revisions := slices.Clone(todo.history)
	if todo.taken != nil {
		revisions = append(revisions, todo.taken)
	}
	known, err := s.inventory(p.Name, p.Namespace, revisions.InCluster())
	if err != nil {
		return nil, err
	}
	objects, _, err := inventory.Known([]byte(next.Manifest), s.KubeClient.Build)
	if err != nil {
		return nil, err
	}
	all := objects.Difference(known.Objects())
	ofHooks, _, err := inventory.Known(p.ofHooks(next), s.KubeClient.Build)
	return append(all, ofHooks.Difference(all)...), err
}

// ofHooks is the manifest of what hooks are and make.
func (p prepared) ofHooks(next *history.Revision) []byte {
	var all bytes.Buffer
	for _, hook := range next.Hooks {
		fmt.Fprintf(&all, "---\n%s\n", hook.Manifest)
	}
	for _, made := range p.HookObjects {
		document, _ := json.Marshal(made.Unstructured()) // of strings
		fmt.Fprintf(&all, "---\n%s\n", document)
	}
	return all.Bytes()
}

// putObjectsBack makes the objects that were there before the run what they were. It goes on after an error.
func (e *Engine) putObjectsBack(s *session, u Undo, progress func(string)) error {
	var errs []error
	r := snapshot.Restorer{Build: s.KubeClient.Build, Release: inventory.Inventory{Release: u.Name, Namespace: u.Namespace},
		AwaitGone: func(objects kube.ResourceList) error { return s.waits.gone(objects, e.options.Timeout) }}
	s.waits.found.PutBack(r, func(id string, changed bool, err error) {
		if err != nil {
			errs = append(errs, explained("putting "+id+" back", err))
		} else if changed {
			progress("restored to its prior state: " + id)
		}
	})
	return failure.JoinTransient(errs...)
}
