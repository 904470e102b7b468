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

	"lockstep/internal/admission"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// standIn is the namespace in which objects are tried whose own is not there yet. Every cluster has it.
const standIn = metav1.NamespaceDefault

// Objects asks the API server whether it takes objects. Nothing is written. An object that is there already is tried under another name.
// What cannot be asked is no refusal: a kind whose CRD is to come, a webhook that knows no dry runs, a right that is missing
// (whoever needs rights asks for them first). A policy's answer does not count for an object with the placeholder in it, which stands
// for an image that is not built yet.
func Objects(ctx context.Context, c *cluster.Client, objects []*unstructured.Unstructured, placeholder string) error {
	t := trial{cluster: c, placeholder: placeholder, may: map[string]bool{}}
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
	cluster     *cluster.Client
	placeholder string
	mu          sync.Mutex
	may         map[string]bool
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
	_, err = resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	own := true
	switch {
	case err == nil: // under another name: how an upgrade or a removal before it changes the object that is there, Helm decides
		_, err = resource.Create(ctx, renamed(object), dryRun)
		own = false // the object that is there was admitted
	case apierrors.IsNotFound(err):
		_, err = resource.Create(ctx, object, dryRun)
		if own = !lacksNamespace(err); !own {
			err = t.tryElsewhere(ctx, object)
		}
	}
	if text, _ := object.MarshalJSON(); strings.Contains(string(text), t.placeholder) {
		own = false
	}
	if refuses(err, own) {
		return cluster.Classify(doing, err)
	}
	return nil
}

var dryRun = metav1.CreateOptions{FieldManager: cluster.FieldManager, DryRun: []string{metav1.DryRunAll}}

// renamed is an object of a name that nobody has. A port of the nodes that its Service has is given to nobody else.
func renamed(object *unstructured.Unstructured) *unstructured.Unstructured {
	other := object.DeepCopy()
	other.SetName(strings.TrimRight(fmt.Sprintf("%.40s", object.GetName()), ".-") + "-dry-run")
	if object.GetKind() == "Service" {
		ports, _, _ := unstructured.NestedSlice(other.Object, "spec", "ports")
		for _, port := range ports {
			if fields, isMap := port.(map[string]any); isMap {
				delete(fields, "nodePort")
			}
		}
		if len(ports) > 0 {
			_ = unstructured.SetNestedSlice(other.Object, ports, "spec", "ports")
		}
		for _, address := range []string{"clusterIP", "clusterIPs", "healthCheckNodePort"} {
			unstructured.RemoveNestedField(other.Object, "spec", address)
		}
	}
	return other
}

// tryElsewhere tries an object in the namespace that stands in for its own.
func (t *trial) tryElsewhere(ctx context.Context, object *unstructured.Unstructured) error {
	if may, err := t.mayStandIn(ctx, object.GroupVersionKind()); err != nil || !may {
		return nil
	}
	moved := renamed(object)
	moved.SetNamespace(standIn)
	resource, err := t.cluster.Resource(moved.GroupVersionKind(), standIn)
	if err == nil {
		_, err = resource.Create(ctx, moved, dryRun)
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

// refuses says whether an answer is about the object. A policy's counts only for the object's own name, namespace and images.
func refuses(err error, own bool) bool {
	switch {
	case err == nil, strings.Contains(err.Error(), "does not support dry run"):
		return false
	case admission.IsPolicy(err.Error()):
		return own && strings.Contains(err.Error(), "denied")
	}
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err)
}
