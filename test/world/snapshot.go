package world

import (
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

// Snapshot is everything in the cluster and all tags and manifests in the registry, without what changes by itself.
type Snapshot map[string]any

// Differs compares two snapshots object by object.
func (p Snapshot) Differs(later Snapshot) string { return cmp.Diff(p, later) }

// Changed names what differs between two snapshots: + what is more, - what is less, ~ what is not the same.
func (p Snapshot) Changed(later Snapshot) (names []string) {
	for name := range p {
		if later[name] == nil {
			names = append(names, "-"+name)
		} else if !cmp.Equal(p[name], later[name]) {
			names = append(names, "~"+name)
		}
	}
	for name := range later {
		if p[name] == nil {
			names = append(names, "+"+name)
		}
	}
	slices.Sort(names)
	return names
}

// Snapshot takes a snapshot.
func (w *World) Snapshot(t testing.TB) Snapshot {
	t.Helper()
	p := Snapshot{}
	taken := func(name string) bool { return p[name] != nil }
	for _, object := range w.Objects(t) {
		if !generated(object) {
			p[nameOf(object, taken)] = normalized(t, object)
		}
	}
	for tag, digest := range w.Tags(t) {
		p["tag "+tag] = digest
	}
	for _, manifest := range w.Manifests(t) {
		p["manifest "+manifest] = true
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
			if slices.Contains([]string{"Event", "Lease", "ComponentStatus", "Endpoints"}, kind.Kind) || strings.Contains(list.GroupVersion, "kwok") || strings.HasPrefix(list.GroupVersion, "metrics.k8s.io/") {
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
