// Package repair judges what an upgrade of a release puts back of what somebody changed by hand.
package repair

import (
	"encoding/json"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/kubernetes/scheme"

	"lockstep/internal/drift"
	"lockstep/internal/release/inventory"
)

// Stays is the next move where an upgrade leaves what somebody changed: Helm merges, so what was added to a list stays in it.
const Stays = "a deployment merges, so it leaves what was added: if nobody meant to add it, take it out by hand, or delete the object and `lockstep deploy` makes it again"

// Judge says what becomes of the differences of an object in an upgrade to the same definition. What the API server stores in another way, or
// a policy of the cluster sets again, is no difference: it tells by a dry run. What an upgrade leaves has [Stays] for its next move.
func Judge(info *resource.Info, want, have *unstructured.Unstructured, items []drift.Item) []drift.Item {
	kind, patch, err := mergePatch(want, have)
	if err != nil || len(items) == 0 {
		return items
	}
	if string(patch) == "{}" {
		return added(items)
	}
	answer, err := resource.NewHelper(info.Client, info.Mapping).DryRun(true).Patch(info.Namespace, info.Name, kind, patch, nil)
	if err != nil {
		return items // a webhook that knows no dry runs, for example: the upgrade will tell
	}
	put, isMap := inventory.Content(answer).(map[string]any)
	if !isMap || !reflect.DeepEqual(lasting(put), lasting(have.Object)) {
		return items
	}
	return added(items)
}

// added are the differences that an upgrade leaves.
func added(items []drift.Item) []drift.Item {
	left := slices.DeleteFunc(items, func(item drift.Item) bool { return !item.Added() })
	for i := range left {
		left[i].Next = Stays
	}
	return left
}

// mergePatch is what Helm sends for an object whose definition has not changed.
func mergePatch(want, have *unstructured.Unstructured) (types.PatchType, []byte, error) {
	wanted, err := json.Marshal(want)
	if err != nil {
		return "", nil, err
	}
	live, err := json.Marshal(have)
	if err != nil {
		return "", nil, err
	}
	known, err := scheme.Scheme.New(want.GroupVersionKind())
	if err != nil {
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(wanted, wanted, live)
		return types.MergePatchType, patch, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(known)
	if err != nil {
		return "", nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(wanted, wanted, live, meta, true)
	return types.StrategicMergePatchType, patch, err
}

// lasting is an object without what every write changes.
func lasting(object map[string]any) map[string]any {
	copied := (&unstructured.Unstructured{Object: object}).DeepCopy()
	for _, field := range []string{"resourceVersion", "managedFields", "generation"} {
		unstructured.RemoveNestedField(copied.Object, "metadata", field)
	}
	return copied.Object
}

// Autoscaled says whether the cluster's autoscaler has set an object's replicas. People scale by other clients.
func Autoscaled(object *unstructured.Unstructured) bool {
	for _, entry := range object.GetManagedFields() {
		if entry.Subresource == "scale" && entry.Manager == "kube-controller-manager" {
			return true
		}
	}
	return false
}

// HasNoPods says whether an object is scaled to 0: an autoscaler lets it be then.
func HasNoPods(object *unstructured.Unstructured) bool {
	replicas, found, err := unstructured.NestedInt64(object.Object, "spec", "replicas")
	return found && err == nil && replicas == 0
}
