package cluster

import (
	"context"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/drift"
	"lockstep/internal/prior"
)

// Compare says what [Client.Apply] would change. It changes nothing: the API server tries it out.
func (c *Client) Compare(ctx context.Context, objects []*unstructured.Unstructured) (items []drift.Item, err error) {
	for _, object := range objects {
		found, err := c.compareOne(ctx, object)
		if err != nil {
			return nil, Classify("comparing "+RefOf(object).String(), err)
		}
		for _, item := range found {
			item.Object = RefOf(object).String()
			items = append(items, item)
		}
	}
	return items, nil
}

func (c *Client) compareOne(ctx context.Context, object *unstructured.Unstructured) ([]drift.Item, error) {
	resource, err := c.Resource(object.GroupVersionKind(), object.GetNamespace())
	if meta.IsNoMatchError(err) {
		return []drift.Item{{Wants: drift.There, Is: "missing, and so is its CRD"}}, nil
	}
	if err != nil {
		return nil, err
	}
	live, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return []drift.Item{{Wants: drift.There, Is: drift.Missing}}, nil
	}
	if err != nil {
		return nil, err
	}
	if foreign := refuseForeign(live, object); foreign != nil {
		return []drift.Item{{Wants: "Lockstep's, of this environment", Is: "somebody else's", Next: "give it to Lockstep, or choose other names in the environment file"}}, nil
	}
	tried, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: FieldManager, Force: true, DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, err
	}
	is, wants := prior.Strip(live.Object), prior.Strip(tried.Object)
	found := drift.Both(is, wants)
	if len(found) == 0 && !reflect.DeepEqual(is, wants) {
		found = []drift.Item{{Wants: "as the file says", Is: "another"}}
	}
	return found, nil
}
