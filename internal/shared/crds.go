package shared

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// RemoveCRDs removes the CRDs that Lockstep made, all or none: a controller that still runs, or that somebody starts again, needs those
// without objects too. While other environments use them they stay, and the last of those removes them. The note says what became of them.
func (p Parts) RemoveCRDs(ctx context.Context, o Operation) (note string, err error) {
	err = p.register().Alone(ctx, o.Env.Name, o.Run, o.Progress, func(ctx context.Context, s Standing) (Fate, error) {
		var err error
		note, err = p.removeCRDs(ctx, s)
		return Purged, err
	})
	return note, err
}

func (p Parts) removeCRDs(ctx context.Context, s Standing) (note string, err error) {
	crds, err := p.ownCRDs(ctx)
	if err != nil {
		return "", err
	}
	users, err := p.crdUsers(ctx, s, crds)
	if err == nil {
		users, err = p.controllers(ctx, crds, users)
	}
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return "left: used by " + strings.Join(users, ", "), nil
	}
	return fmt.Sprintf("%d removed", len(crds)), p.Cluster.Delete(ctx, refs(crds)...)
}

// UndoCRDs removes the CRDs that were made since the first of those began who use them together, all or none, with controller and class if
// the run came no further. While other environments use them they stay. names are those that the run saw missing.
//
// Those that others need stay, and the environment is a user no more all the same: that is a failure which says so.
func (p Parts) UndoCRDs(ctx context.Context, o Operation, names []string) error {
	var needed error
	err := p.register().Alone(ctx, o.Env.Name, o.Run, o.Progress, func(ctx context.Context, s Standing) (Fate, error) {
		fate, missing, purged := Stays, names, false
		if s.leaves(o.Run) {
			fate, missing, purged = Gone, s.Own.Brought.CRDs, s.Own.Brought.Purged
			users, err := p.users(ctx, o.Env, s)
			if err == nil && len(users) == 0 {
				err = p.takeAway(ctx, o, s)
			}
			if err != nil {
				return Stays, err
			}
		}
		if len(s.Users(anything)) > 0 {
			return fate, nil
		}
		crds, err := p.ownCRDs(ctx)
		if err != nil {
			return Stays, err
		}
		crds = slices.DeleteFunc(crds, func(crd *unstructured.Unstructured) bool { return !purged && !slices.Contains(missing, crd.GetName()) })
		users, err := p.crdUsers(ctx, s, crds)
		if err == nil && fate != Stays { // else the controller was at work before the run, without them
			users, err = p.controllers(ctx, crds, users)
		}
		if err != nil {
			return Stays, err
		}
		if len(users) > 0 {
			needed = failure.Final(failure.Conflict, "the CRDs that this operation made stay, because others use them: %s. Next: remove by hand what is not needed",
				strings.Join(users, ", "))
			return fate, nil
		}
		return fate, p.Cluster.Delete(ctx, refs(crds)...)
	})
	if err != nil {
		return err
	}
	return needed
}

// ownCRDs are those of the gateway that Lockstep made, of whatever version.
func (p Parts) ownCRDs(ctx context.Context) ([]*unstructured.Unstructured, error) {
	crds, err := p.Cluster.List(ctx, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", cluster.ManagedByLabel+"="+cluster.ManagedBy)
	return slices.DeleteFunc(crds, func(crd *unstructured.Unstructured) bool {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		return !slices.Contains([]string{"gateway.networking.k8s.io", "gateway.networking.x-k8s.io", "gateway.envoyproxy.io"}, group)
	}), err
}

// crdUsers names who needs the CRDs: other environments, and kinds that have objects.
func (p Parts) crdUsers(ctx context.Context, s Standing, crds []*unstructured.Unstructured) ([]string, error) {
	users := s.Users(anything)
	if len(users) > 0 || len(crds) == 0 {
		return users, nil
	}
	for _, crd := range crds {
		used, err := p.Cluster.HasObjects(ctx, crd)
		if err != nil {
			return nil, err
		}
		if used {
			users = append(users, "objects of "+crd.GetName())
		}
	}
	return users, nil
}

// controllers adds those of Envoy Gateway to the users of CRDs.
func (p Parts) controllers(ctx context.Context, crds []*unstructured.Unstructured, users []string) ([]string, error) {
	if len(users) > 0 || len(crds) == 0 {
		return users, nil
	}
	controllers, err := p.Cluster.List(ctx, "apps/v1", "Deployment", "", "control-plane=envoy-gateway")
	for _, controller := range controllers {
		users = append(users, cluster.RefOf(controller).String())
	}
	return users, err
}

func refs(crds []*unstructured.Unstructured) []cluster.Ref {
	all := make([]cluster.Ref, len(crds))
	for i, crd := range crds {
		all[i] = cluster.RefOf(crd)
	}
	return all
}
