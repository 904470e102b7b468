// Package snapshot keeps what a run found of the objects that a release makes, adopts or has hooks make: whether they were there, and
// what they were. Those that the release's records know are not among them: they go back with their revision. It is written before the
// first change and stays until the run is undone or has ended well.
package snapshot

import (
	"encoding/json"
	"maps"
	"slices"

	"helm.sh/helm/v3/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"

	"lockstep/internal/prior"
	"lockstep/internal/release/inventory"
)

// Snapshot is what a run found. The zero value is that of a run which has changed nothing yet.
type Snapshot struct {
	objects map[string]object // by identity; nil: the run changed nothing yet
	kept    *corev1.Secret    // that it is in; nil: none
}

// object is one object as it was.
type object struct {
	Exists bool            `json:"exists,omitempty"`
	Object json.RawMessage `json:"object,omitempty"` // empty: that it was there is all that is known
}

// Object names an object.
type Object struct{ APIVersion, Kind, Namespace, Name string }

// identity names it as [inventory.Identity] does.
func (o Object) identity() string {
	return inventory.Named(schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind(), o.Namespace, o.Name)
}

// Unstructured is an object of that name and nothing else.
func (o Object) Unstructured() *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(o.APIVersion)
	u.SetKind(o.Kind)
	u.SetNamespace(o.Namespace)
	u.SetName(o.Name)
	return u
}

// Began says whether the run may have changed something.
func (s Snapshot) Began() bool { return s.objects != nil }

// Had says whether the object was there before the run.
func (s Snapshot) Had(o Object) bool { return s.objects[o.identity()].Exists }

// Spares says whether the object is not to be deleted by what undoes or repeats the run.
func (s Snapshot) Spares(info *resource.Info) bool { return s.objects[inventory.Identity(info)].Exists }

// Made leaves out what was there before the run.
func (s Snapshot) Made(objects kube.ResourceList) kube.ResourceList {
	return objects.Filter(func(info *resource.Info) bool { return !s.Spares(info) })
}

// With also notes what there is of objects. What was noted before stays: it was seen first.
func (s Snapshot) With(objects kube.ResourceList) (more Snapshot, changed bool, err error) {
	more = Snapshot{map[string]object{}, s.kept}
	maps.Copy(more.objects, s.objects)
	for _, info := range objects {
		id := inventory.Identity(info)
		if _, noted := more.objects[id]; noted {
			continue
		}
		if more.objects[id], err = take(info); err != nil {
			return s, false, err
		}
	}
	return more, len(more.objects) != len(s.objects), nil
}

// take looks at an object. Of what is never put back, as what is being deleted, it keeps no more than that it is there.
func take(info *resource.Info) (object, error) {
	live, err := inventory.Get(info)
	if err != nil || live == nil {
		return object{}, err
	}
	if dying(live) || slices.Contains([]string{"Job", "Pod", "Lease", "Namespace", "CustomResourceDefinition"}, info.Mapping.GroupVersionKind.Kind) {
		return object{Exists: true}, nil
	}
	data, err := json.Marshal(stripped(live))
	return object{Exists: true, Object: data}, err
}

func stripped(live runtime.Object) map[string]any {
	content, _ := inventory.Content(live).(map[string]any)
	return prior.Strip(content)
}

func dying(object runtime.Object) bool {
	accessor, err := meta.Accessor(object)
	return err == nil && accessor.GetDeletionTimestamp() != nil
}
