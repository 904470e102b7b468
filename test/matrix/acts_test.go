package matrix

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"lockstep/internal/cluster"
	"lockstep/test/world"
)

// resource is where objects of a kind are kept.
func resource(t testing.TB, w *world.World, ref cluster.Ref) dynamic.ResourceInterface {
	t.Helper()
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(w.Client(t).Discovery()))
	kind := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(w.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return client.Resource(mapping.Resource)
	}
	return client.Resource(mapping.Resource).Namespace(ref.Namespace)
}

func parse(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// puts makes objects of somebody else; taking it back removes them.
func puts(texts ...string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		var refs []cluster.Ref
		for _, text := range texts {
			object := parse(t, text)
			ref := cluster.RefOf(object)
			if _, err := resource(t, w, ref).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "somebody"}); err != nil {
				t.Fatalf("making %s: %v", ref, err)
			}
			refs = append(refs, ref)
		}
		return func() {
			for i := len(refs) - 1; i >= 0; i-- {
				remove(t, w, refs[i])
			}
		}
	}
}

// removes deletes objects by hand. Nothing takes that back.
func removes(refs ...cluster.Ref) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		for _, ref := range refs {
			remove(t, w, ref)
		}
		return nil
	}
}

// remove deletes an object and waits until it is gone, with all that it owns.
func remove(t testing.TB, w *world.World, ref cluster.Ref) {
	t.Helper()
	r, policy := resource(t, w, ref), metav1.DeletePropagationForeground
	if err := r.Delete(t.Context(), ref.Name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil && !apierrors.IsNotFound(err) {
		t.Fatalf("deleting %s: %v", ref, err)
	}
	world.Eventually(t, ref.String()+" is gone", func() bool {
		_, err := r.Get(t.Context(), ref.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
	})
}

// patches changes an object by hand, as `kubectl patch --type merge` does. Nothing takes that back.
func patches(ref cluster.Ref, patch string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		if _, err := resource(t, w, ref).Patch(t.Context(), ref.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"}); err != nil {
			t.Fatalf("patching %s: %v", ref, err)
		}
		return nil
	}
}

func object(kind, name string) cluster.Ref {
	versions := map[string]string{"Secret": "v1", "ConfigMap": "v1", "Service": "v1", "Namespace": "v1", "Deployment": "apps/v1",
		"Gateway": routing, "HTTPRoute": routing, "BackendTLSPolicy": routing, "GatewayClass": routing,
		"CustomResourceDefinition": "apiextensions.k8s.io/v1"}
	ref := cluster.Ref{APIVersion: versions[kind], Kind: kind, Namespace: world.Namespace, Name: name}
	if kind == "Namespace" || kind == "GatewayClass" || kind == "CustomResourceDefinition" {
		ref.Namespace = ""
	}
	return ref
}

const routing = "gateway.networking.k8s.io/v1"
