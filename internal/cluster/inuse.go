package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"lockstep/internal/failure"
)

// Kinds whose objects hold other objects.
const (
	kindCRD       = "CustomResourceDefinition"
	kindNamespace = "Namespace"
)

// errInUse is the outcome for a CustomResourceDefinition or a Namespace that stays because others have something in it.
var errInUse = errors.New("in use")

// settling is how long what a release leaves may take to go: pods go after the objects that own them.
const settling = 20 * time.Second

// inUse says whether what others have would be lost with the object.
func (c *Client) inUse(ctx context.Context, ref Ref, live *unstructured.Unstructured) (bool, error) {
	switch ref.Kind {
	case kindCRD:
		return c.HasObjects(ctx, live)
	case kindNamespace:
		return c.occupied(ctx, ref.Name)
	}
	return false, nil
}

// HasObjects says whether any object of a CustomResourceDefinition exists.
func (c *Client) HasObjects(ctx context.Context, definition *unstructured.Unstructured) (bool, error) {
	crd := &apiextensions.CustomResourceDefinition{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(definition.Object, crd); err != nil {
		return false, failure.Final(failure.Internal, "reading CustomResourceDefinition %s: %w", definition.GetName(), err)
	}
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		gvr := schema.GroupVersionResource{Group: crd.Spec.Group, Version: version.Name, Resource: crd.Spec.Names.Plural}
		list, err := c.dynamic.Resource(gvr).List(ctx, metav1.ListOptions{Limit: 1})
		if absent(err) {
			return false, nil
		}
		if err != nil {
			return false, Classify("looking for objects of "+definition.GetName(), err)
		}
		return len(list.Items) > 0, nil // every version shows every object
	}
	return false, Classify("looking for objects of "+definition.GetName(), ctx.Err())
}

// occupied waits until a namespace is empty but for what is Lockstep's, and says whether it still is not.
func (c *Client) occupied(ctx context.Context, namespace string) (bool, error) {
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, settling, true, func(ctx context.Context) (bool, error) {
		occupants, err := c.Occupants(ctx, namespace)
		// Only pods go by themselves.
		kept := slices.ContainsFunc(occupants, func(ref Ref) bool { return ref.Kind != "Pod" })
		if kept {
			return false, errInUse
		}
		return len(occupants) == 0, err
	})
	if errors.Is(err, errInUse) || wait.Interrupted(err) && ctx.Err() == nil {
		return true, nil
	}
	return false, Classify("looking what namespace "+namespace+" holds", err)
}

// Occupants names what a namespace holds that is not Lockstep's and would be lost with it: pods, volume claims, Secrets
// and ConfigMaps, without those that a cluster puts into every namespace.
func (c *Client) Occupants(ctx context.Context, namespace string) ([]Ref, error) {
	var occupants []Ref
	for _, kind := range []string{"Pod", "PersistentVolumeClaim", "Secret", "ConfigMap"} {
		objects, err := c.List(ctx, "v1", kind, namespace, "")
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if foreign(object) {
				occupants = append(occupants, RefOf(object))
			}
		}
	}
	return occupants, nil
}

func foreign(object *unstructured.Unstructured) bool {
	if object.GetLabels()[ManagedByLabel] == ManagedBy || object.GetDeletionTimestamp() != nil {
		return false
	}
	switch object.GetKind() {
	case "ConfigMap": // of the controller manager, OpenShift and Istio
		return !slices.Contains([]string{"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"}, object.GetName())
	case "Secret": // of service accounts: old clusters and OpenShift
		kind, _, _ := unstructured.NestedString(object.Object, "type")
		return kind != "kubernetes.io/service-account-token" && kind != "kubernetes.io/dockercfg"
	}
	return true
}
