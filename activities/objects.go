package activities

import (
	"context"
	"fmt"
	"slices"

	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
	"lockstep/internal/release"
)

// SnapshotInput asks what there is of a set.
type SnapshotInput struct {
	Input
	Set objects.Set `json:"set"`
}

// Snapshot records what there is of a set of objects, for [Activities.Restore]. Secrets are recorded by name alone.
func (a *Activities) Snapshot(ctx context.Context, in SnapshotInput) ([]cluster.Snapshot, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return nil, err
	}
	snapshots, err := c.Snapshot(ctx, objects.Refs(in.Set, in.Env))
	return snapshots, err
}

// RestoreInput says what to go back to.
type RestoreInput struct {
	Input                     // its environment is empty if the operation began under an earlier version
	Set    objects.Set        `json:"set,omitempty"`
	Before []cluster.Snapshot `json:"before"`
}

// Restore removes the objects that were not there and puts back those that were.
func (a *Activities) Restore(ctx context.Context, in RestoreInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	before := in.Before
	if in.Set == objects.Certificates {
		unseen, err := certificates.Store{Cluster: c, Env: in.Env}.Unseen(ctx, before)
		if err != nil {
			return err
		}
		before = append(before, objects.Absent(unseen)...)
	}
	return restoreAll(ctx, c, before)
}

// EnsureNamespace makes the environment's namespace.
func (a *Activities) EnsureNamespace(ctx context.Context, scope Scope) (string, error) {
	c, err := a.cluster(scope.Cluster)
	if err != nil {
		return "", err
	}
	created, err := c.EnsureNamespace(ctx, scope.Namespace, cluster.Labels(scope.Environment))
	if err != nil {
		return "", err
	}
	return madeOrKept(created), nil
}

func madeOrKept(made bool) string {
	if made {
		return "made"
	}
	return "unchanged"
}

// Remains is what there is of an environment.
type Remains struct {
	Releases map[string]release.State `json:"releases"`
	Objects  []cluster.Ref            `json:"objects"`
}

// Survey lists what there is of an environment. Nothing at all is an error: most likely the file names another namespace.
func (a *Activities) Survey(ctx context.Context, in Input) (Remains, error) {
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return Remains{}, err
	}
	found := Remains{Releases: map[string]release.State{}}
	there := false
	for _, c := range component.Installed(in.Env) { // of others the worker may not be allowed to read the release
		state, err := s.releases.Look(ctx, c.Namespace, c.Release)
		if err != nil {
			return found, err
		}
		found.Releases[c.Name()] = state
		there = there || !state.IsZero() && (!c.Shared || state.Owner == in.Env.Name)
	}
	for _, set := range []objects.Set{objects.Routes, objects.Gateway, objects.Certificates, objects.Credentials, objects.Namespace} {
		for _, ref := range objects.Refs(set, in.Env) {
			live, exists, err := s.cluster.Get(ctx, ref)
			if err != nil {
				return found, err
			}
			if exists && live.GetLabels()[cluster.EnvironmentLabel] == in.Env.Name && (set != objects.Certificates || ref.Owns(live.GetLabels())) {
				found.Objects = append(found.Objects, ref)
			}
		}
	}
	uses, err := s.shared().Uses(ctx, in.Env.Name)
	if err != nil {
		return found, err
	}
	if !there && !uses && len(found.Objects) == 0 {
		return found, failure.Final(failure.NotFound, "environment %q has nothing in namespace %q: check cluster, namespace and release names in its file",
			in.Env.Name, in.Env.Namespace)
	}
	return found, nil
}

// RemoveObjects deletes a set of objects, as far as they are Lockstep's.
func (a *Activities) RemoveObjects(ctx context.Context, in SnapshotInput) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	if in.Set == objects.Certificates { // first: the ConfigMap of the CA's certificate says what is whose
		if err := removeCertificates(ctx, certificates.Store{Cluster: c, Env: in.Env}); err != nil {
			return err
		}
	}
	all := objects.Refs(in.Set, in.Env)
	all = slices.DeleteFunc(all, func(ref cluster.Ref) bool { return objects.Brought(ref, in.Env) })
	if err := restoreAll(ctx, c, objects.Absent(all)); err != nil || in.Set != objects.Certificates {
		return err
	}
	return a.SettleRotation(ctx, in.Input) // of one that nobody let end
}

// removeCertificates deletes what the environment file does not name any more: keys of its CA, and listeners' certificates. Of these, what stays
// keeps the namespace, and its row says so.
func removeCertificates(ctx context.Context, store certificates.Store) error {
	elsewhere, err := store.Elsewhere(ctx)
	if err == nil {
		err = restoreAll(ctx, store.Cluster, objects.Absent(elsewhere))
	}
	if err != nil {
		return failure.In("removing keys of the environment's CA", err)
	}
	_, err = store.Tidy(ctx)
	return err
}

// RemoveNamespace deletes the environment's namespace if Lockstep made it. One with something of somebody else in it stays, and
// the note says what that is.
func (a *Activities) RemoveNamespace(ctx context.Context, in Input) (string, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return "", err
	}
	namespace := objects.Refs(objects.Namespace, in.Env)
	left, err := c.Restore(ctx, objects.Absent(namespace))
	switch {
	case failure.Is(err, failure.Unauthorized):
		return "left: the worker's account may not delete it", nil
	case err != nil:
		return "", err
	case len(left) > 0:
		return occupied(ctx, c, in.Env.Namespace)
	}
	_, found, err := c.Get(ctx, namespace[0])
	if found {
		return "left: Lockstep did not make it", nil
	}
	return "removed", err
}

// occupied says what keeps a namespace.
func occupied(ctx context.Context, c *cluster.Client, namespace string) (string, error) {
	occupants, err := c.Occupants(ctx, namespace)
	return fmt.Sprintf("left: namespace %s also holds objects that Lockstep did not make: %v", namespace, occupants), err
}

// restoreAll goes back to a snapshot; what has to stay is a failure.
func restoreAll(ctx context.Context, c *cluster.Client, before []cluster.Snapshot) error {
	left, err := c.Restore(ctx, before)
	if err != nil {
		return err
	}
	return leftInPlace(left)
}

func leftInPlace(left []cluster.Ref) error {
	if len(left) > 0 {
		return failure.Final(failure.Conflict, "left in place, because others use it or made it: %v; remove it by hand if it is not needed", left)
	}
	return nil
}
