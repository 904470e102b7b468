package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Labels of everything Lockstep makes.
const (
	ManagedByLabel   = "app.kubernetes.io/managed-by"
	ManagedBy        = "lockstep"
	EnvironmentLabel = "lockstep.dev/environment"
	// NamespaceLabel says in which namespace an environment is, on what can be in another one: there may be two environments of one name.
	NamespaceLabel = "lockstep.dev/namespace"
)

// Labels are the labels of an object that Lockstep makes for an environment.
func Labels(environment string) map[string]string {
	return map[string]string{ManagedByLabel: ManagedBy, EnvironmentLabel: environment}
}

// Ref names one object.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	// Owner is a label selector that the object must match before Lockstep deletes it. Empty: Lockstep's own
	// label. Set for what others make on Lockstep's behalf, as the hooks of a chart.
	Owner string `json:"owner,omitempty"`
}

// RefOf names obj.
func RefOf(obj *unstructured.Unstructured) Ref {
	return Ref{APIVersion: obj.GetAPIVersion(), Kind: obj.GetKind(), Namespace: obj.GetNamespace(), Name: obj.GetName()}
}

// String is the name a person reads, as "Gateway apim/wso2-apim-gateway".
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// GVK is the kind of the object.
func (r Ref) GVK() schema.GroupVersionKind { return schema.FromAPIVersionAndKind(r.APIVersion, r.Kind) }

func (r Ref) owns(obj *unstructured.Unstructured) bool { return r.Owns(obj.GetLabels()) }

// Owns says whether the labels of the live object are those without which it is somebody else's.
func (r Ref) Owns(has map[string]string) bool {
	if r.Owner == "" {
		return has[ManagedByLabel] == ManagedBy
	}
	selector, err := labels.Parse(r.Owner)
	return err == nil && selector.Matches(labels.Set(has))
}

// Get reads one object. An object, or a kind, that is not there is no error.
func (c *Client) Get(ctx context.Context, ref Ref) (obj *unstructured.Unstructured, found bool, err error) {
	objects, err := c.Resource(ref.GVK(), ref.Namespace)
	if err == nil {
		obj, err = objects.Get(ctx, ref.Name, metav1.GetOptions{})
	}
	if absent(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, Classify("reading "+ref.String(), err)
	}
	return obj, true, nil
}

// List reads the objects of one kind, in all namespaces if namespace is empty, that match the label selector. A kind
// that the cluster does not serve has no objects.
func (c *Client) List(ctx context.Context, apiVersion, kind, namespace, selector string) ([]*unstructured.Unstructured, error) {
	objects, err := c.Resource(schema.FromAPIVersionAndKind(apiVersion, kind), namespace)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	doing := fmt.Sprintf("listing %s", kind)
	if err != nil {
		return nil, Classify(doing, err)
	}
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if absent(err) { // its definition went in the meantime
		return nil, nil
	}
	if err != nil {
		return nil, Classify(doing, err)
	}
	items := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		items[i] = &list.Items[i]
	}
	return items, nil
}

func absent(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }
