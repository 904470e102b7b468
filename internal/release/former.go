package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"

	"lockstep/internal/release/history"
	"lockstep/internal/release/inventory"
)

// Object names an object.
type Object struct{ APIVersion, Kind, Namespace, Name string }

// identity names it as [inventory.Identity] does.
func (o Object) identity() string {
	kind := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind()
	return inventory.Named(kind, o.Namespace, o.Name)
}

// Former is what a run found of the objects that it makes, takes over, or has hooks make: whether they were there, and
// what they were. Those that the release's records know are not among them: they go back with their revision. It is
// written before the first change and stays until [Engine.Forget].
type Former struct {
	objects map[string]formerObject // by identity; nil: the run changed nothing yet
	version string                  // of the Secret that it is in; "": there is none
}

type formerObject struct {
	Exists bool            `json:"exists,omitempty"`
	Object json.RawMessage `json:"object,omitempty"` // as it was; empty: that it was there is all that is known
}

// Began says whether the run may have changed something.
func (f Former) Began() bool { return f.objects != nil }

// Had says whether the object was there before the run.
func (f Former) Had(object Object) bool { return f.objects[object.identity()].Exists }

// spares says whether the object is not to be deleted by what undoes or repeats the run.
func (f Former) spares(info *resource.Info) bool { return f.objects[inventory.Identity(info)].Exists }

// made leaves out what was there before the run.
func (f Former) made(objects kube.ResourceList) kube.ResourceList {
	return objects.Filter(func(info *resource.Info) bool { return !f.spares(info) })
}

// recall reads what this run found, which nothing then deletes.
func (s *session) recall(ctx context.Context, name, owner, run string) (err error) {
	if s.formers != nil {
		s.waits.former, err = s.formers.read(ctx, name, owner, run)
	}
	return err
}

// remembering notes what there is of the objects that a revision is going to make and take over. What an attempt before
// it noted stays: it saw them first.
func (s *session) remembering(ctx context.Context, p prepared, todo plan) func(*history.Revision) error {
	return func(next *history.Revision) error {
		if s.formers == nil {
			return nil
		}
		all, err := s.found(p, todo, next)
		if err != nil {
			return explained("looking what there is of release "+p.Name, err)
		}
		if len(all) == len(s.waits.former.objects) {
			return nil
		}
		s.waits.former.objects = all
		s.waits.former.version, err = s.formers.write(ctx, p, s.waits.former)
		return explained("keeping what there is of release "+p.Name, err)
	}
}

// found is what was noted before, with the objects that are concerned now.
func (s *session) found(p prepared, todo plan, next *history.Revision) (map[string]formerObject, error) {
	wanted, err := s.concerned(p, todo, next)
	if err != nil {
		return nil, err
	}
	all := map[string]formerObject{}
	maps.Copy(all, s.waits.former.objects)
	for _, info := range wanted {
		if _, noted := all[inventory.Identity(info)]; noted {
			continue
		}
		if all[inventory.Identity(info)], err = asItIs(info); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// concerned are the objects of a revision that no record tells how to put back, its hooks' included.
func (s *session) concerned(p prepared, todo plan, next *history.Revision) (kube.ResourceList, error) {
	revisions := slices.Clone(todo.history)
	if todo.taken != nil {
		revisions = append(revisions, todo.taken)
	}
	known, err := s.inventory(p.Name, p.Namespace, revisions.InCluster())
	if err != nil {
		return nil, err
	}
	objects, _, err := inventory.Known([]byte(next.Manifest), s.KubeClient.Build)
	if err != nil {
		return nil, err
	}
	all := objects.Difference(known.Objects())
	besides, _, err := inventory.Known(p.besides(next), s.KubeClient.Build)
	return append(all, besides.Difference(all)...), err
}

// besides is the manifest of what hooks are and make.
func (p prepared) besides(next *history.Revision) []byte {
	var all bytes.Buffer
	for _, hook := range next.Hooks {
		fmt.Fprintf(&all, "---\n%s\n", hook.Manifest)
	}
	for _, leaf := range p.Leaves {
		document, _ := json.Marshal(leaf.unstructured()) // of strings
		fmt.Fprintf(&all, "---\n%s\n", document)
	}
	return all.Bytes()
}

func (o Object) unstructured() *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(o.APIVersion)
	u.SetKind(o.Kind)
	u.SetNamespace(o.Namespace)
	u.SetName(o.Name)
	return u
}

// asItIs looks at an object. Of what is never put back, as what is being deleted, it keeps no more than that it is there.
func asItIs(info *resource.Info) (formerObject, error) {
	live, err := inventory.Get(info)
	if err != nil || live == nil {
		return formerObject{}, err
	}
	if dying(live) || slices.Contains([]string{"Job", "Pod", "Lease", "Namespace", "CustomResourceDefinition"}, info.Mapping.GroupVersionKind.Kind) {
		return formerObject{Exists: true}, nil
	}
	data, err := json.Marshal(desired(inventory.Content(live)))
	return formerObject{Exists: true, Object: data}, err
}
