package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

// resettable is a mapper with nothing to forget.
type resettable struct{ meta.RESTMapper }

func (resettable) Reset() {}

func TestAKindThatSomebodyElseChangedIsNamedByEachAttemptToUndo(t *testing.T) {
	run := Run{Environment: "dev", ID: "1"}
	before := map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": kindCRD}
	packed, err := pack(kindCopy{Applied: "the digest of another spec", Before: before})
	if err != nil {
		t.Fatal(err)
	}
	crd := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"group": "example.com"}}}
	crd.SetGroupVersionKind(crdKind())
	crd.SetName("widgets.example.com")
	crd.SetLabels(map[string]string{run.key(): run.ID})
	crd.SetAnnotations(map[string]string{run.key(): packed})
	kinds := meta.NewDefaultRESTMapper([]schema.GroupVersion{crdKind().GroupVersion()})
	kinds.Add(crdKind(), meta.RESTScopeRoot)
	plural := crdKind().GroupVersion().WithResource("customresourcedefinitions")
	c := &Client{mapper: &mapper{ResettableRESTMapper: resettable{kinds}}, dynamic: fake.NewSimpleDynamicClientWithCustomListKinds(
		runtime.NewScheme(), map[schema.GroupVersionResource]string{plural: "CustomResourceDefinitionList"}, crd)}
	for range 2 { // the first may have failed at something else
		left, err := c.RestoreCRDs(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"widgets.example.com (somebody else changed it since)"}, left); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if err := c.ForgetCRDs(t.Context(), Run{Environment: "dev", ID: "2"}); err != nil {
		t.Fatal(err)
	}
	if left, err := c.RestoreCRDs(t.Context(), run); err != nil || len(left) > 0 {
		t.Errorf("after a good deployment: %q, %v", left, err)
	}
}
