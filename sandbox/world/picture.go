package world

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
)

// Picture is everything in the cluster and all tags in the registry, without what changes by itself.
type Picture map[string]any

// Differs compares two pictures object by object.
func (p Picture) Differs(later Picture) string { return cmp.Diff(p, later) }

// Picture takes a picture.
func (w *World) Picture(t testing.TB) Picture {
	t.Helper()
	p := Picture{}
	for _, object := range w.Objects(t) {
		p[fmt.Sprintf("%s %s/%s", object.GroupVersionKind().GroupKind(), object.GetNamespace(), object.GetName())] = still(object)
	}
	for tag, digest := range w.Tags(t) {
		p["tag "+tag] = digest
	}
	return p
}

// Objects lists every object of every kind, but events, leases, what is deprecated and what the sandbox's node has.
func (w *World) Objects(t testing.TB) []*unstructured.Unstructured {
	t.Helper()
	config := w.Config(t)
	config.QPS = -1 // no limit
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := w.Client(t).Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, lists) {
		for _, kind := range list.APIResources {
			if slices.Contains([]string{"Event", "Lease", "ComponentStatus", "Endpoints"}, kind.Kind) || strings.Contains(list.GroupVersion, "kwok") {
				continue
			}
			gv, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil {
				t.Fatal(err)
			}
			found, err := client.Resource(gv.WithResource(kind.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("listing %s of %s: %v", kind.Name, gv, err)
			}
			for i := range found.Items {
				objects = append(objects, &found.Items[i])
			}
		}
	}
	return objects
}

// still is an object without managed fields, timestamps and what else the server counts.
func still(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	metadata := object.Object["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation"} {
		delete(metadata, field)
	}
	if object.GetKind() == "Node" {
		delete(object.Object, "status")
	}
	withoutTimes(object.Object)
	return object.Object
}

func withoutTimes(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, part := range v {
			if strings.HasSuffix(key, "Time") || strings.HasSuffix(key, "Timestamp") {
				delete(v, key)
				continue
			}
			withoutTimes(part)
		}
	case []any:
		for _, part := range v {
			withoutTimes(part)
		}
	}
}
