package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	"lockstep/sandbox/registry"
)

// picture is everything in the cluster and all tags in the registry, without what changes by itself.
type picture map[string]any

// differs compares two pictures object by object.
func (p picture) differs(later picture) string { return cmp.Diff(p, later) }

func (w *world) picture(t *testing.T) picture {
	t.Helper()
	p := picture{}
	for _, object := range w.objects(t) {
		p[fmt.Sprintf("%s %s/%s", object.GroupVersionKind().GroupKind(), object.GetNamespace(), object.GetName())] = still(object)
	}
	for tag, digest := range w.tags(t) {
		p["tag "+tag] = digest
	}
	return p
}

// objects lists every object of every kind, but events, leases, what is deprecated and what the sandbox's node has.
func (w *world) objects(t *testing.T) []*unstructured.Unstructured {
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

// tags gives the digest of every tag in the registry.
func (w *world) tags(t *testing.T) map[string]string {
	t.Helper()
	tags := map[string]string{}
	var catalog struct {
		Repositories []string `json:"repositories"`
	}
	w.ask(t, "/v2/_catalog", &catalog)
	for _, repository := range catalog.Repositories {
		var list struct {
			Tags []string `json:"tags"`
		}
		w.ask(t, "/v2/"+repository+"/tags/list", &list)
		for _, tag := range list.Tags {
			resp, err := http.Head("http://" + w.Registry + "/v2/" + repository + "/manifests/" + tag)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			tags[repository+":"+tag] = resp.Header.Get("Docker-Content-Digest")
		}
	}
	return tags
}

func (w *world) ask(t *testing.T, path string, answer any) {
	t.Helper()
	resp, err := http.Get("http://" + w.Registry + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return // the last tag of a repository went
	}
	if err := json.Unmarshal(body, answer); err != nil {
		t.Fatalf("%s answers %s: %s", path, resp.Status, body)
	}
}

// pushes are the requests so far by which the registry was given something.
func (w *world) pushes(t *testing.T) []registry.Request {
	t.Helper()
	all, err := registry.ReadLog(registry.LogFile(w.Dir))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r registry.Request) bool {
		// An upload that is opened and given up is how the right to push is tried.
		return !slices.Contains([]string{"PUT", "PATCH", "POST"}, r.Method) || r.Method == "POST" && r.Status == http.StatusAccepted
	})
}
