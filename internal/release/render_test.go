package release

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
)

func TestRenderGivesPostRenderedObjectsWithWholeNumbers(t *testing.T) {
	s := spec(t, map[string]any{"replicas": 2000000})
	s.PostRender = annotate
	objects, err := New(Options{}).Render(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "web", "annotations": map[string]any{"mended": "yes"}},
		"data":     map[string]any{"text": "hello", "replicas": "2000000"}}}
	var got []map[string]any
	for _, object := range objects {
		got = append(got, object.Object)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func TestPostRenderingIsDeterministicAndKeepsOrderAndOctalModes(t *testing.T) {
	manifest := "---\n# Source: a\nkind: B\napiVersion: v1\nmetadata: {name: two}\nspec: {defaultMode: 0407, z: 1, a: 2}\n---\n\n---\nkind: A\napiVersion: v1\nmetadata: {name: one}\n"
	mend := postRenderer(func([]*unstructured.Unstructured) error { return nil })
	first, err := mend.Run(bytes.NewBufferString(manifest))
	if err != nil {
		t.Fatal(err)
	}
	want := "---\napiVersion: v1\nkind: B\nmetadata:\n  name: two\nspec:\n  a: 2\n  defaultMode: 263\n  z: 1\n---\napiVersion: v1\nkind: A\nmetadata:\n  name: one\n"
	if diff := cmp.Diff(want, first.String()); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	second, err := mend.Run(bytes.NewBufferString(first.String()))
	if err != nil || second.String() != want {
		t.Errorf("a second run gives %q, %v", second, err)
	}
}

func TestErrorOfThePostRendererIsKept(t *testing.T) {
	cause := errors.New("stores have one name")
	s := spec(t, nil)
	s.PostRender = func([]*unstructured.Unstructured) error { return cause }
	_, err := New(Options{}).Render(context.Background(), s)
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestValuesAreNotShared(t *testing.T) {
	values := map[string]any{"nested": map[string]any{"count": 3, "part": 0.5, "gone": nil}}
	copied, err := normal(values)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"nested": map[string]any{"count": int64(3), "part": 0.5, "gone": nil}}
	if diff := cmp.Diff(want, copied); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	copied["nested"].(map[string]any)["count"] = int64(4)
	if values["nested"].(map[string]any)["count"] != 3 {
		t.Error("changing the copy changed the original")
	}
}

// Every way to a rendered chart asks whether its objects, hooks included, may be made.
func TestWhatIsNotAllowedIsNeitherRenderedNorComparedNorApplied(t *testing.T) {
	refusal := errors.New("not allowed")
	var kinds []string
	options := Options{Allowed: func(_ config.Chart, namespace string, objects []*unstructured.Unstructured) error {
		for _, object := range objects {
			kinds = append(kinds, namespace+" "+object.GetKind())
		}
		return refusal
	}}
	cluster, s := newMemoryCluster(), spec(t, nil)
	s.Chart.Path = writeChart(t, configMap+"---\n"+installHook)
	_, rendered := cluster.engine(options).Render(t.Context(), s)
	_, applied := cluster.engine(options).Apply(t.Context(), s, nil)
	_, compared := cluster.engine(options).Compare(t.Context(), s)
	for _, err := range []error{rendered, applied, compared} {
		if !errors.Is(err, refusal) {
			t.Errorf("got %v", err)
		}
	}
	if len(cluster.has()) > 0 || !slices.Contains(kinds, "apps Job") || !slices.Contains(kinds, "apps ConfigMap") {
		t.Errorf("made %v, asked about %v", cluster.has(), kinds)
	}
}
