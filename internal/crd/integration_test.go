package crd_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/failure"
	"lockstep/test/clustertest"
)

func TestAgainstARealControlPlane(t *testing.T) {
	s := clustertest.Start(t)
	for name, test := range map[string]func(*testing.T, *clustertest.Plane){
		"CRDs are made, kept while used, and deleted when they are not": testCRDs,
		"CRDs that a run replaced are put back":                         testReplacedCRDs,
		"the largest CRDs can be put back":                              testLargeCRDs,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func testCRDs(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "crds")
	definition, run := clustertest.Parse(t, clustertest.Widgets), crd.Run{Environment: "dev", ID: "1"}
	kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	if missing, err := s.Client.Missing(t.Context(), []schema.GroupVersionKind{kind}); err != nil || len(missing) != 1 {
		t.Fatal(missing, err)
	}
	before, err := s.Client.Snapshot(t.Context(), []cluster.Ref{cluster.RefOf(definition)})
	if err != nil {
		t.Fatal(err)
	}
	if result, err := crd.Apply(t.Context(), s.Client, []*unstructured.Unstructured{definition}, config.CRDsSkip, run); err != nil || len(result.Created) != 0 {
		t.Fatal(result, err)
	}
	if result, err := crd.Apply(t.Context(), s.Client, []*unstructured.Unstructured{definition}, config.CRDsCreate, run); err != nil || len(result.Created) != 1 {
		t.Fatal(result, err)
	}
	for _, policy := range []config.CRDPolicy{config.CRDsCreate, config.CRDsCreateReplace} {
		if result, err := crd.Apply(t.Context(), s.Client, []*unstructured.Unstructured{definition}, policy, run); err != nil || len(result.Created) != 0 {
			t.Fatal(policy, result, err)
		}
	}
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "spec": map[string]any{"size": int64(1)}}}
	widget.SetNamespace(ns)
	widget.SetName("w")
	widget.SetLabels(cluster.Labels("dev"))
	if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{widget}); err != nil {
		t.Fatalf("a kind that is new to the client: %v", err)
	}
	if left, err := s.Client.Restore(t.Context(), before); err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	if _, found, _ := s.Client.Get(t.Context(), cluster.RefOf(definition)); !found {
		t.Fatal("the CRD was deleted with an object in it")
	}
	if err := s.Client.Delete(t.Context(), cluster.RefOf(widget)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.Client.Get(t.Context(), cluster.RefOf(definition)); found {
		t.Error("the unused CRD of this run is still there")
	}
}

// newer is the kind of a later bundle, which stores objects in a version that the earlier one does not have.
const newer = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sprockets.example.com, labels: {bundle: "2", both: new}, annotations: {bundle: "2"}}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: sprockets, singular: sprocket, kind: Sprocket, listKind: SprocketList}
  versions:
  - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func testReplacedCRDs(t *testing.T, s *clustertest.Plane) {
	for name, test := range map[string]func(*testing.T, *replacing){
		"undo puts the kind back as it was, once and again": func(t *testing.T, r *replacing) {
			r.replace(t, "1", 1)
			r.replace(t, "1", 1) // an attempt after a crash: the copy stays that of what was there before the run
			r.restored(t, "1")
			r.restored(t, "1")
		},
		"an undo of nothing changes nothing": func(t *testing.T, r *replacing) { r.restored(t, "1") },
		"another run's copies are not touched": func(t *testing.T, r *replacing) {
			r.replace(t, "1", 1)
			r.replace(t, "2", 0) // it is so already
			replaced := r.live(t)
			r.restore(t, "2", "")
			if diff := cmp.Diff(replaced, r.live(t)); diff != "" {
				t.Error(diff)
			}
			r.restored(t, "1")
		},
		"success leaves no copy": func(t *testing.T, r *replacing) {
			r.replace(t, "1", 1)
			for range 2 {
				if err := crd.Forget(t.Context(), s.Client, crd.Run{Environment: "dev", ID: "1"}); err != nil {
					t.Fatal(err)
				}
			}
			after := r.live(t)
			if after["metadata"].(map[string]any)["annotations"].(map[string]any)["bundle"] != "2" || strings.Contains(render(t, after), "replaced.lockstep.dev") {
				t.Errorf("it is\n%s", render(t, after))
			}
			r.restore(t, "1", "")
			if diff := cmp.Diff(after, r.live(t)); diff != "" {
				t.Error(diff)
			}
		},
		"what somebody changed since stays": func(t *testing.T, r *replacing) {
			r.replace(t, "1", 1)
			r.patch(t, `{"spec":{"names":{"shortNames":["sp"]}}}`)
			for range 2 { // an attempt after one that failed at something else says so too
				r.restore(t, "1", "somebody else changed it since")
			}
			if err := crd.Forget(t.Context(), s.Client, crd.Run{Environment: "dev", ID: "2"}); err != nil {
				t.Fatal(err)
			}
			if text := render(t, r.live(t)); !strings.Contains(text, "- sp\n") || strings.Contains(text, "replaced.lockstep.dev") {
				t.Errorf("it is\n%s", text)
			}
			r.restore(t, "1", "") // after a good deployment there is nothing to put back
		},
		"a kind stays while objects may be stored in a version that it did not have": func(t *testing.T, r *replacing) {
			r.replace(t, "1", 1)
			sprocket := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v2", "kind": "Sprocket"}}
			sprocket.SetNamespace(s.Namespace(t, "sprockets"))
			sprocket.SetName("s")
			sprocket.SetLabels(cluster.Labels("dev"))
			if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{sprocket}); err != nil {
				t.Fatal(err)
			}
			r.restore(t, "1", "objects may be stored as v2")
			if err := s.Client.Delete(t.Context(), cluster.RefOf(sprocket)); err != nil {
				t.Fatal(err)
			}
			r.restored(t, "1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &replacing{Plane: s, newer: clustertest.Parse(t, newer)}
			r.create(t)
			test(t, r)
			if err := s.Client.Delete(t.Context(), cluster.RefOf(r.newer)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestANewerGatewayAPIAndItsPolicyAreLeftAsTheyAre has a cluster whose owner installed the standard channel of Gateway API v1.6 with its
// policy, and an older chart of the gateway.
func TestANewerGatewayAPIAndItsPolicyAreLeftAsTheyAre(t *testing.T) {
	s := clustertest.Start(t)
	theirs := slices.DeleteFunc(clustertest.GatewayCRDs(t, "1.9"), func(crd *unstructured.Unstructured) bool {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		return group != "gateway.networking.k8s.io" || kind == "TCPRoute" || kind == "UDPRoute"
	})
	for _, crd := range theirs {
		annotations := crd.GetAnnotations()
		annotations["gateway.networking.k8s.io/channel"] = "standard"
		crd.SetAnnotations(annotations)
		put(t, s, crd)
	}
	for _, object := range clustertest.GatewayPolicy(t) {
		put(t, s, object)
	}
	older, run := clustertest.GatewayCRDs(t, "1.7"), crd.Run{Environment: "dev", ID: "1"}
	was := map[string]map[string]any{}
	for _, crd := range theirs {
		was[crd.GetName()] = live(t, s, crd.GetName())
	}
	denied := func(r crd.Result) (names string) {
		for _, one := range r.Denied {
			names += one.Name + " "
		}
		return names
	}
	clustertest.Eventually(t, "the policy is in force", func() bool {
		tried, err := crd.Try(t.Context(), s.Client, older, config.CRDsCreate, run)
		if err != nil {
			t.Fatal(err)
		}
		return denied(tried) == "tcproutes.gateway.networking.k8s.io udproutes.gateway.networking.k8s.io "
	})
	if _, found, err := s.Client.Get(t.Context(), cluster.RefOf(older[0])); err != nil || found {
		t.Fatalf("a try made %s (%v)", older[0].GetName(), err)
	}
	for _, policy := range []config.CRDPolicy{config.CRDsCreate, config.CRDsCreateReplace} {
		result, err := crd.Apply(t.Context(), s.Client, older, policy, run)
		if err != nil {
			t.Fatal(err)
		}
		if denied(result) != "tcproutes.gateway.networking.k8s.io udproutes.gateway.networking.k8s.io " {
			t.Errorf("%s: denied is %v", policy, result.Denied)
		}
		if newer := len(result.Newer); newer != 0 && policy == config.CRDsCreate || newer == 0 && policy == config.CRDsCreateReplace {
			t.Errorf("%s: newer are %v", policy, result.Newer)
		}
	}
	for _, crd := range theirs {
		if diff := cmp.Diff(was[crd.GetName()], live(t, s, crd.GetName())); diff != "" {
			t.Errorf("%s is another (-before +after):\n%s", crd.GetName(), diff)
		}
	}
}

func put(t *testing.T, s *clustertest.Plane, object *unstructured.Unstructured) {
	t.Helper()
	resource, err := s.Client.Resource(object.GroupVersionKind(), "")
	if err == nil {
		_, err = resource.Create(t.Context(), object, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = resource.Delete(context.WithoutCancel(t.Context()), object.GetName(), metav1.DeleteOptions{})
	})
}

// testLargeCRDs keeps the largest kinds there are.
func testLargeCRDs(t *testing.T, s *clustertest.Plane) {
	run := crd.Run{Environment: strings.Repeat("e", 63), ID: "8f1c2f1e-0000-4000-8000-000000000000"}
	crds := clustertest.GatewayCRDs(t, "1.9")
	before, err := s.Client.Snapshot(t.Context(), clustertest.RefsOf(crds))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := crd.Apply(t.Context(), s.Client, crds, config.CRDsCreate, run); err != nil {
		t.Fatal(err)
	}
	was := map[string]map[string]any{}
	for _, crd := range crds {
		was[crd.GetName()] = live(t, s, crd.GetName())
		if err := unstructured.SetNestedStringSlice(crd.Object, []string{"changed"}, "spec", "names", "categories"); err != nil {
			t.Fatal(err)
		}
	}
	for attempt := 1; ; attempt++ {
		result, err := crd.Apply(t.Context(), s.Client, crds, config.CRDsCreateReplace, run)
		if err == nil && (len(result.Replaced) == len(crds) || attempt > 1) {
			break
		}
		if attempt == 5 || !failure.IsRetryable(err) { // the server gives up on the largest of them when it is busy; an activity would be tried again
			t.Fatalf("%d of %d replaced, %v", len(result.Replaced), len(crds), err)
		}
	}
	if left, err := crd.Restore(t.Context(), s.Client, run); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	for _, crd := range crds {
		if diff := cmp.Diff(was[crd.GetName()], live(t, s, crd.GetName())); diff != "" {
			t.Errorf("%s (-before +after):\n%s", crd.GetName(), diff)
		}
	}
	if _, err := s.Client.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
}

// replacing is a kind that somebody brought, and a newer form of it.
type replacing struct {
	*clustertest.Plane
	newer *unstructured.Unstructured
	was   map[string]any
}

func (r *replacing) create(t *testing.T) {
	t.Helper()
	older := clustertest.Parse(t, strings.NewReplacer("widget", "sprocket", "Widget", "Sprocket").Replace(clustertest.Widgets))
	older.SetLabels(map[string]string{"bundle": "1", "both": "old", cluster.ManagedByLabel: cluster.ManagedBy})
	older.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": strings.Repeat("x", 250<<10)})
	if _, err := crd.Apply(t.Context(), r.Client, []*unstructured.Unstructured{older}, config.CRDsCreate, crd.Run{}); err != nil {
		t.Fatal(err)
	}
	r.was = r.live(t)
}

func (r *replacing) replace(t *testing.T, run string, want int) {
	t.Helper()
	result, err := crd.Apply(t.Context(), r.Client, []*unstructured.Unstructured{r.newer}, config.CRDsCreateReplace, crd.Run{Environment: "dev", ID: run})
	if err != nil || len(result.Replaced) != want {
		t.Fatal(result, err)
	}
}

func (r *replacing) restore(t *testing.T, run, why string) {
	t.Helper()
	left, err := crd.Restore(t.Context(), r.Client, crd.Run{Environment: "dev", ID: run})
	if err != nil || (why == "") != (len(left) == 0) || !strings.Contains(strings.Join(left, ""), why) {
		t.Fatalf("left %q, %v", left, err)
	}
}

func (r *replacing) restored(t *testing.T, run string) {
	t.Helper()
	r.restore(t, run, "")
	if diff := cmp.Diff(r.was, r.live(t)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func (r *replacing) patch(t *testing.T, patch string) {
	t.Helper()
	crd := r.newer.GroupVersionKind().GroupVersion().WithResource("customresourcedefinitions")
	if _, err := r.Dynamic.Resource(crd).Patch(t.Context(), r.newer.GetName(), types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (r *replacing) live(t *testing.T) map[string]any { return live(t, r.Plane, r.newer.GetName()) }

// live is a kind without times, managed fields and status other than the stored versions.
func live(t *testing.T, s *clustertest.Plane, name string) map[string]any {
	t.Helper()
	crd, found, err := s.Client.Get(t.Context(), cluster.Ref{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: name})
	if err != nil || !found {
		t.Fatal(found, err)
	}
	stored, _, _ := unstructured.NestedStringSlice(crd.Object, "status", "storedVersions")
	crd.Object["status"] = stored
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(crd.Object, "metadata", field)
	}
	return crd.Object
}

func render(t *testing.T, object map[string]any) string {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
