// Package trial asks the API server, by dry runs, whether it takes objects, before anything is touched.
package trial

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/internal/admission"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// standIn is the namespace in which objects are tried whose own is not there yet. Every cluster has it.
const standIn = metav1.NamespaceDefault

// Objects asks the API server whether it takes objects as they are: it makes those that are not there, and merges into those that
// are. Nothing is written. What cannot be asked is no refusal: a kind whose CRD is to come, a webhook that knows no dry runs, a right
// that is missing (whoever needs rights asks for them first).
func Objects(ctx context.Context, c *cluster.Client, objects []*unstructured.Unstructured) error {
	t := trial{cluster: c, may: map[string]bool{}}
	errs := make([]error, len(objects))
	var group errgroup.Group
	group.SetLimit(8)
	for i, object := range objects {
		group.Go(func() error {
			errs[i] = t.try(ctx, object)
			return nil
		})
	}
	_ = group.Wait()
	return failure.Join(errs...)
}

// trial remembers what the account may do in the namespace that stands in: an API server's audit should not show refusals.
type trial struct {
	cluster *cluster.Client
	mu      sync.Mutex
	may     map[string]bool
}

func (t *trial) try(ctx context.Context, object *unstructured.Unstructured) error {
	doing := "trying " + cluster.RefOf(object).String() + " (dry run)"
	resource, err := t.cluster.Resource(object.GroupVersionKind(), object.GetNamespace())
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return cluster.Classify(doing, err)
	}
	dry := []string{metav1.DryRunAll}
	_, err = resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	own := true
	if err == nil {
		var patch []byte
		if patch, err = object.MarshalJSON(); err == nil {
			_, err = resource.Patch(ctx, object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: cluster.FieldManager, DryRun: dry})
		}
	} else if apierrors.IsNotFound(err) {
		_, err = resource.Create(ctx, object, metav1.CreateOptions{FieldManager: cluster.FieldManager, DryRun: dry})
		if own = !lacksNamespace(err); !own {
			err = t.tryElsewhere(ctx, object)
		}
	}
	if refuses(err, own) {
		return cluster.Classify(doing, err)
	}
	return nil
}

// tryElsewhere tries an object in the namespace that stands in for its own.
func (t *trial) tryElsewhere(ctx context.Context, object *unstructured.Unstructured) error {
	if may, err := t.mayStandIn(ctx, object.GroupVersionKind()); err != nil || !may {
		return nil
	}
	moved := object.DeepCopy()
	moved.SetNamespace(standIn)
	moved.SetName(fmt.Sprintf("%.40s-dry-run", object.GetName())) // nobody's
	resource, err := t.cluster.Resource(moved.GroupVersionKind(), standIn)
	if err == nil {
		_, err = resource.Create(ctx, moved, metav1.CreateOptions{FieldManager: cluster.FieldManager, DryRun: []string{metav1.DryRunAll}})
	}
	return err
}

// mayStandIn asks whether the account may make objects of a kind in the namespace that stands in.
func (t *trial) mayStandIn(ctx context.Context, kind schema.GroupVersionKind) (bool, error) {
	resource, err := t.cluster.Plural(kind)
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := resource.GroupResource().String()
	if may, asked := t.may[name]; asked {
		return may, nil
	}
	denied, err := t.cluster.Allowed(ctx, []cluster.Access{{Verb: "create", Group: resource.Group, Resource: resource.Resource, Namespace: standIn}})
	if err != nil {
		return false, err
	}
	t.may[name] = len(denied) == 0
	return t.may[name], nil
}

func lacksNamespace(err error) bool {
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces \"")
}

// refuses says whether an answer is about the object. A policy's counts only for the namespace that it is about.
func refuses(err error, own bool) bool {
	switch {
	case err == nil, strings.Contains(err.Error(), "does not support dry run"):
		return false
	case admission.IsPolicy(err.Error()):
		return own && strings.Contains(err.Error(), "denied")
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}
