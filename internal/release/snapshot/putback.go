package snapshot

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"helm.sh/helm/v3/pkg/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/cli-runtime/pkg/resource"

	"lockstep/internal/manifest"
	"lockstep/internal/release/inventory"
)

// Restorer puts objects of a release back.
type Restorer struct {
	Build inventory.Builder
	// Release tells its objects from those of others.
	Release inventory.Inventory
	// AwaitGone waits for the end of objects that are being deleted.
	AwaitGone func(kube.ResourceList) error
}

// PutBack makes the objects that were there before the run what they were, and reports each as it is done: whether it was changed, or
// why it could not be. It goes on after an error.
func (s Snapshot) PutBack(r Restorer, done func(identity string, changed bool, err error)) {
	for _, id := range slices.Sorted(maps.Keys(s.objects)) {
		if len(s.objects[id].Object) == 0 {
			continue
		}
		changed, err := r.putBack(s.objects[id].Object)
		done(id, changed, err)
	}
}

func (r Restorer) putBack(data []byte) (changed bool, err error) {
	was, info, err := r.read(data)
	if err != nil || info == nil {
		return false, err
	}
	helper := resource.NewHelper(info.Client, info.Mapping)
	live, err := r.live(info)
	switch {
	case err != nil:
		return false, err
	case live == nil && was.GetKind() == claim: // an empty volume is not what it was
		return false, nil
	case live == nil:
		_, err = helper.Create(info.Namespace, false, was)
		return true, err
	case r.isAnothers(live):
		return false, nil
	}
	patch, err := difference(live, was)
	if err != nil || string(patch) == "{}" {
		return false, err
	}
	_, err = helper.Patch(info.Namespace, info.Name, types.MergePatchType, patch, nil)
	return true, err
}

// read reads a copy. One whose kind is gone gives nil.
func (r Restorer) read(data []byte) (*unstructured.Unstructured, *resource.Info, error) {
	was := &unstructured.Unstructured{}
	if err := was.UnmarshalJSON(data); err != nil {
		return nil, nil, fmt.Errorf("reading its prior state: %w", err)
	}
	document, err := manifest.Encode([]*unstructured.Unstructured{was})
	if err != nil {
		return nil, nil, err
	}
	built, _, err := inventory.Known(document, r.Build)
	if err != nil || len(built) == 0 {
		return nil, nil, err
	}
	return was, built[0], nil
}

// live is the object in the cluster, nil if there is none. The end of one that is being deleted is waited for, unless it is
// a claim, which its pods hold.
func (r Restorer) live(info *resource.Info) (runtime.Object, error) {
	live, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if err == nil && dying(live) && info.Mapping.GroupVersionKind.Kind != claim {
		return nil, r.AwaitGone(kube.ResourceList{info})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// isAnothers says whether the object belongs to another release by now.
func (r Restorer) isAnothers(object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	return err == nil && accessor.GetAnnotations()[inventory.NameAnnotation] != "" && !r.Release.Owns(accessor)
}

// claim is the kind of which nothing but the labels is put back: the rest is the volume's.
const claim = "PersistentVolumeClaim"

// difference is the merge patch that makes of an object what it was.
func difference(live runtime.Object, was *unstructured.Unstructured) ([]byte, error) {
	now, then := stripped(live), was.Object
	if was.GetKind() == claim {
		now, then = labelled(now), labelled(then)
	}
	nowJSON, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	thenJSON, err := json.Marshal(then)
	if err != nil {
		return nil, err
	}
	return jsonmergepatch.CreateThreeWayJSONMergePatch(nowJSON, thenJSON, nowJSON)
}

func labelled(object map[string]any) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	return map[string]any{"metadata": map[string]any{"labels": metadata["labels"], "annotations": metadata["annotations"]}}
}
