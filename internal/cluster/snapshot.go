package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/failure"
	"lockstep/internal/prior"
)

// Snapshot is one object as it was, for Undo.
type Snapshot struct {
	Ref    Ref  `json:"ref"`
	Exists bool `json:"exists"`
	// Object is empty for kinds that hold secrets (Secret) or that are never put back (CustomResourceDefinition,
	// Namespace): of those Exists is all that is known.
	Object json.RawMessage `json:"object,omitempty"`
}

// Snapshot says of each object whether it is there, and keeps what it is. It never holds the data of a Secret.
func (c *Client) Snapshot(ctx context.Context, refs []Ref) ([]Snapshot, error) {
	snapshots := make([]Snapshot, 0, len(refs))
	for _, ref := range refs {
		live, found, err := c.Get(ctx, ref)
		if err != nil {
			return nil, err
		}
		snapshot := Snapshot{Ref: ref, Exists: found}
		if found && keepsBody(ref) {
			if snapshot.Object, err = json.Marshal(prior.Strip(live.Object)); err != nil {
				return nil, failure.Final(failure.Internal, "saving %s: %w", ref, err)
			}
		}
		snapshots = append(snapshots, snapshot)
	}
	return snapshots, nil
}

func keepsBody(ref Ref) bool {
	return ref.Kind != "Secret" && ref.Kind != kindCRD && ref.Kind != kindNamespace
}

// Restore brings the objects back to what Snapshot saw, the last one first: what was not there is deleted, what was
// there is put back. Objects of somebody else are left alone. It goes on after an error; left names what could not be
// restored, and without an error the CustomResourceDefinitions and Namespaces that stay because others have objects in them.
func (c *Client) Restore(ctx context.Context, snapshots []Snapshot) (left []Ref, err error) {
	var fresh []Ref
	var errs []error
	keep := func(ref Ref, err error) {
		if err != nil {
			left, errs = append(left, ref), append(errs, err)
		}
	}
	for _, snapshot := range slices.Backward(snapshots) {
		if !snapshot.Exists {
			fresh = append(fresh, snapshot.Ref)
		} else if len(snapshot.Object) > 0 {
			keep(snapshot.Ref, c.putBack(ctx, snapshot))
		}
	}
	for i, err := range c.deleteAll(ctx, fresh) {
		if errors.Is(err, errInUse) {
			left = append(left, fresh[i])
			continue
		}
		keep(fresh[i], err)
	}
	return left, failure.JoinTransient(errs...)
}

func (c *Client) putBack(ctx context.Context, snapshot Snapshot) error {
	saved := &unstructured.Unstructured{}
	if err := saved.UnmarshalJSON(snapshot.Object); err != nil {
		return failure.Final(failure.Internal, "reading the saved %s: %w", snapshot.Ref, err)
	}
	live, found, err := c.Get(ctx, snapshot.Ref)
	if err != nil {
		return err
	}
	owned := found && snapshot.Ref.owns(live) || !found && snapshot.Ref.owns(saved)
	if !owned || found && reflect.DeepEqual(prior.Strip(live.Object), prior.Strip(saved.Object)) {
		return nil
	}
	resource, err := c.Resource(saved.GroupVersionKind(), saved.GetNamespace())
	if err == nil {
		_, err = put(ctx, resource, saved)
	}
	return Classify("restoring "+snapshot.Ref.String(), err)
}
