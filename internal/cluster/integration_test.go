package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/test/clustertest"
)

func TestAgainstARealControlPlane(t *testing.T) {
	s := clustertest.Start(t)
	for name, test := range map[string]func(*testing.T, *clustertest.Plane){
		"the version and permissions of the cluster are known": testAccess,
		"a second apply changes nothing":                       testApplyTwice,
		"an object of somebody else is not taken over":         testForeignConflict,
		"restore deletes what is new and puts back what was":   testRestore,
		"restore leaves foreign objects alone":                 testRestoreForeign,
		"a snapshot never holds a Secret":                      testSecretSnapshot,
		"a Secret is made once":                                testSecretOnce,
		"deleting tolerates absent objects and kinds":          testDeleteAbsent,
		"a deletion that a finalizer holds is named":           testStuckDeletion,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func configMap(namespace, name, environment string, data map[string]any) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}}
	obj.SetNamespace(namespace)
	obj.SetName(name)
	if environment != "" {
		obj.SetLabels(cluster.Labels(environment))
	}
	return obj
}

func testAccess(t *testing.T, s *clustertest.Plane) {
	version, err := s.Client.Version(t.Context())
	if err != nil || version.Major != 1 || version.Minor < 30 {
		t.Errorf("version %+v, %v", version, err)
	}
	denied, err := s.Client.Allowed(t.Context(), []cluster.Access{
		{Verb: "create", Group: "apps", Resource: "deployments", Namespace: "apim"}, {Verb: "create", Resource: "pods/portforward", Namespace: "apim"},
	})
	if err != nil || len(denied) > 0 {
		t.Errorf("denied %v, %v", denied, err)
	}
}

func testApplyTwice(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "twice")
	objects := []*unstructured.Unstructured{configMap(ns, "a", "dev", map[string]any{"k": "1"}), configMap(ns, "b", "dev", map[string]any{"k": "1"})}
	apply := func(want int) {
		t.Helper()
		changed, err := s.Client.Apply(t.Context(), objects)
		if err != nil || len(changed) != want {
			t.Errorf("changed %v, %v; want %d", changed, err, want)
		}
	}
	apply(2)
	apply(0)
	objects[1].Object["data"] = map[string]any{"other": "2"}
	apply(1)
	if data, _, _ := s.Client.ConfigMap(t.Context(), ns, "b"); !cmp.Equal(data, map[string]string{"other": "2"}) {
		t.Errorf("a field that is no longer wanted stays: %v", data)
	}
	if created, err := s.Client.EnsureNamespace(t.Context(), ns, nil); created || err != nil {
		t.Errorf("namespace made twice: %v, %v", created, err)
	}
}

func testForeignConflict(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "foreign")
	if _, err := s.Client.CreateConfigMap(t.Context(), ns, "theirs", map[string]string{cluster.ManagedByLabel: "Helm"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{configMap(ns, "shared", "prod", nil)}); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"theirs": "managed by Helm", "shared": `environment "prod"`} {
		_, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{configMap(ns, name, "dev", nil)})
		if known, _ := failure.As(err); !failure.Is(err, failure.Conflict) || !strings.Contains(err.Error(), part) || known.Next == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testRestore(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "restore")
	was := configMap(ns, "was", "dev", map[string]any{"k": "old"})
	if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{was}); err != nil {
		t.Fatal(err)
	}
	is, fresh := configMap(ns, "was", "dev", map[string]any{"k": "new", "more": "x"}), configMap(ns, "fresh", "dev", nil)
	snapshots, err := s.Client.Snapshot(t.Context(), []cluster.Ref{cluster.RefOf(is), cluster.RefOf(fresh)})
	if err != nil || !snapshots[0].Exists || snapshots[1].Exists {
		t.Fatalf("%+v, %v", snapshots, err)
	}
	if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{is, fresh}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second Undo finds everything done
		if left, err := s.Client.Restore(t.Context(), snapshots); err != nil || len(left) > 0 {
			t.Fatalf("left %v, %v", left, err)
		}
	}
	if data, _, _ := s.Client.ConfigMap(t.Context(), ns, "was"); !cmp.Equal(data, map[string]string{"k": "old"}) {
		t.Errorf("not put back: %v", data)
	}
	if _, found, _ := s.Client.ConfigMap(t.Context(), ns, "fresh"); found {
		t.Error("what was new is still there")
	}
	if changed, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{was}); err != nil || len(changed) > 0 {
		t.Errorf("after Undo the old state is not the old state: %v, %v", changed, err)
	}
}

func testRestoreForeign(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "restore-foreign")
	ref := cluster.RefOf(configMap(ns, "theirs", "", nil))
	before, err := s.Client.Snapshot(t.Context(), []cluster.Ref{ref})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.CreateConfigMap(t.Context(), ns, "theirs", nil, map[string]string{"k": "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.Client.ConfigMap(t.Context(), ns, "theirs"); !found {
		t.Error("a foreign object was deleted")
	}
	ref.Owner = "!app.kubernetes.io/managed-by"
	if err := s.Client.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.Client.ConfigMap(t.Context(), ns, "theirs"); found {
		t.Error("an object that matches its owner was not deleted")
	}
}

func testSecretSnapshot(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "secret-snapshot")
	if _, err := s.Client.CreateSecret(t.Context(), ns, "s", corev1.SecretTypeOpaque, cluster.Labels("dev"), map[string][]byte{"k": []byte("hush")}); err != nil {
		t.Fatal(err)
	}
	ref := cluster.Ref{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "s"}
	got, err := s.Client.Snapshot(t.Context(), []cluster.Ref{ref})
	if diff := cmp.Diff([]cluster.Snapshot{{Ref: ref, Exists: true}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func testSecretOnce(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "secret-once")
	make := func(value string) (bool, error) {
		return s.Client.CreateSecret(t.Context(), ns, "s", corev1.SecretTypeOpaque, nil, map[string][]byte{"k": []byte(value)})
	}
	if created, err := make("first"); !created || err != nil {
		t.Fatal(created, err)
	}
	first, err := s.Client.Checksum(t.Context(), ns, "s")
	if err != nil {
		t.Fatal(err)
	}
	if created, err := make("second"); created || err != nil {
		t.Fatal(created, err)
	}
	if again, _ := s.Client.Checksum(t.Context(), ns, "s"); again != first {
		t.Error("the Secret changed")
	}
	if _, err := s.Client.Checksum(t.Context(), ns, "nope"); err == nil || !strings.Contains(err.Error(), "Next:") {
		t.Errorf("missing Secret: %v", err)
	}
}

func testDeleteAbsent(t *testing.T, s *clustertest.Plane) {
	err := s.Client.Delete(t.Context(), cluster.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "default", Name: "nope"},
		cluster.Ref{APIVersion: "example.com/v1", Kind: "Nope", Name: "nope"})
	if err != nil {
		t.Error(err)
	}
}

func testStuckDeletion(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "stuck")
	obj := configMap(ns, "held", "dev", nil)
	obj.SetFinalizers([]string{"example.com/hold"})
	if _, err := s.Client.Apply(t.Context(), []*unstructured.Unstructured{obj}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Client.Delete(ctx, cluster.RefOf(obj)); failure.ReasonOf(err) != "StuckDeleting" || !strings.Contains(err.Error(), "example.com/hold") {
		t.Errorf("got %v", err)
	}
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := s.Kube.CoreV1().ConfigMaps(ns).Patch(t.Context(), "held", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}
