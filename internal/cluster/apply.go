package cluster

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"lockstep/internal/failure"
	"lockstep/internal/prior"
)

// Apply makes the objects what is given, by server-side apply, and says which of them changed. It takes over no object
// of somebody else: one that is there without Lockstep's label, or for another environment, is a Conflict. Objects
// applied before an error stay.
func (c *Client) Apply(ctx context.Context, objects []*unstructured.Unstructured) (changed []Ref, err error) {
	for _, object := range objects {
		moved, err := c.applyOne(ctx, object)
		if err != nil {
			return changed, Classify("applying "+RefOf(object).String(), err)
		}
		if moved {
			changed = append(changed, RefOf(object))
		}
	}
	return changed, nil
}

func (c *Client) applyOne(ctx context.Context, object *unstructured.Unstructured) (moved bool, err error) {
	resource, err := c.Resource(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return false, err
	}
	before, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = put(ctx, resource, object)
		return err == nil, err
	}
	if err != nil {
		return false, err
	}
	if err := refuseForeign(before, object); err != nil {
		return false, err
	}
	after, err := put(ctx, resource, object)
	if err != nil {
		return false, err
	}
	// The resource version alone would also move with a status that its controller writes meanwhile.
	return !reflect.DeepEqual(prior.Strip(before.Object), prior.Strip(after.Object)), nil
}

// put forces: a field of our own object that somebody edited becomes ours again.
func put(ctx context.Context, resource dynamic.ResourceInterface, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
}

func refuseForeign(live, wanted *unstructured.Unstructured) error {
	ref := RefOf(wanted)
	has, wants := live.GetLabels(), wanted.GetLabels()
	if has[ManagedByLabel] != ManagedBy {
		owner := "nobody known"
		if has[ManagedByLabel] != "" {
			owner = has[ManagedByLabel]
		}
		return &failure.Error{Kind: failure.Conflict, Doing: "applying " + ref.String(),
			Cause: fmt.Errorf("an object of that name exists already, and Lockstep does not manage it (managed by %s)", owner),
			Next:  fmt.Sprintf("delete or rename it, give the environment another name for it, or hand it over with the label %s=%s", ManagedByLabel, ManagedBy)}
	}
	if other := has[EnvironmentLabel]; other != "" && wants[EnvironmentLabel] != "" && other != wants[EnvironmentLabel] {
		return &failure.Error{Kind: failure.Conflict, Doing: "applying " + ref.String(),
			Cause: fmt.Errorf("it belongs to the environment %q", other),
			Next:  "give this environment its own namespace and names, or tear the other one down first"}
	}
	return nil
}
