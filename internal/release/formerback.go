package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/cli-runtime/pkg/resource"

	"lockstep/internal/failure"
	"lockstep/internal/manifest"
	"lockstep/internal/release/inventory"
)

// putFormerBack makes the objects that were there before the run what they were. It goes on after an error.
func (e *Engine) putFormerBack(s *session, u Undo, progress func(string)) error {
	var errs []error
	objects := s.waits.former.objects
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		if len(objects[id].Object) == 0 {
			continue
		}
		changed, err := e.putOneBack(s, u, objects[id].Object)
		if err != nil {
			errs = append(errs, explained("putting "+id+" back", err))
		} else if changed {
			progress("put back as it was before: " + id)
		}
	}
	return failure.Join(errs...)
}

func (e *Engine) putOneBack(s *session, u Undo, data []byte) (changed bool, err error) {
	was, info, err := s.unpacked(data)
	if err != nil || info == nil {
		return false, err
	}
	helper := resource.NewHelper(info.Client, info.Mapping)
	live, err := e.present(s, helper, info)
	switch {
	case err != nil:
		return false, err
	case live == nil && was.GetKind() == claim: // an empty volume is not what it was
		return false, nil
	case live == nil:
		_, err = helper.Create(info.Namespace, false, was)
		return true, err
	case others(u, live):
		return false, nil
	}
	patch, err := difference(live, was)
	if err != nil || string(patch) == "{}" {
		return false, err
	}
	_, err = helper.Patch(info.Namespace, info.Name, types.MergePatchType, patch, nil)
	return true, err
}

// unpacked reads a copy. One whose kind is gone gives nil.
func (s *session) unpacked(data []byte) (*unstructured.Unstructured, *resource.Info, error) {
	was := &unstructured.Unstructured{}
	if err := was.UnmarshalJSON(data); err != nil {
		return nil, nil, fmt.Errorf("reading what it was: %w", err)
	}
	document, err := manifest.Encode([]*unstructured.Unstructured{was})
	if err != nil {
		return nil, nil, err
	}
	built, _, err := inventory.Known(document, s.KubeClient.Build)
	if err != nil || len(built) == 0 {
		return nil, nil, err
	}
	return was, built[0], nil
}

// present is the object in the cluster, nil if there is none. The end of one that is being deleted is waited for, unless
// it is a claim, which its pods hold.
func (e *Engine) present(s *session, helper *resource.Helper, info *resource.Info) (runtime.Object, error) {
	live, err := helper.Get(info.Namespace, info.Name)
	if err == nil && dying(live) && info.Mapping.GroupVersionKind.Kind != claim {
		if err := s.waits.gone(kube.ResourceList{info}, e.options.Timeout); err != nil {
			return nil, err
		}
		live, err = nil, nil
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return live, err
}

// claim is the kind of which nothing but the labels is put back: the rest is the volume's.
const claim = "PersistentVolumeClaim"

func dying(object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	return err == nil && accessor.GetDeletionTimestamp() != nil
}

// others says whether the object belongs to another release by now.
func others(u Undo, object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	return err == nil && accessor.GetAnnotations()[inventory.NameAnnotation] != "" && !inventory.Inventory{Release: u.Name, Namespace: u.Namespace}.Owns(accessor)
}

// difference is the merge patch that makes of an object what it was.
func difference(live runtime.Object, was *unstructured.Unstructured) ([]byte, error) {
	now, then := desired(inventory.Content(live)), was.Object
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

// desired is an object without what the server and its controllers write.
func desired(object any) map[string]any {
	copied, _ := object.(map[string]any)
	copied = runtime.DeepCopyJSON(copied)
	delete(copied, "status")
	metadata, _ := copied["metadata"].(map[string]any)
	for _, field := range []string{
		"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink",
		"deletionTimestamp", "deletionGracePeriodSeconds", "finalizers",
	} {
		delete(metadata, field)
	}
	annotations, _ := metadata["annotations"].(map[string]any)
	maps.DeleteFunc(annotations, func(name string, _ any) bool {
		return slices.ContainsFunc([]string{"deployment.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/"},
			func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	return copied
}
