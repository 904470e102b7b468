package cluster_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/process"
)

// suite is a control plane without a node: the tests play the kubelet.
type suite struct {
	client  *cluster.Client
	kube    kubernetes.Interface
	dynamic dynamic.Interface
}

func TestAgainstARealControlPlane(t *testing.T) {
	s := start(t)
	for name, test := range map[string]func(*testing.T, *suite){
		"the version and permissions of the cluster are known":          testAccess,
		"a second apply changes nothing":                                testApplyTwice,
		"an object of somebody else is not taken over":                  testForeignConflict,
		"restore deletes what is new and puts back what was":            testRestore,
		"restore leaves foreign objects alone":                          testRestoreForeign,
		"a snapshot never holds a Secret":                               testSecretSnapshot,
		"a Secret is made once":                                         testSecretOnce,
		"deleting tolerates absent objects and kinds":                   testDeleteAbsent,
		"a deletion that a finalizer holds is named":                    testStuckDeletion,
		"CRDs are made, kept while used, and deleted when they are not": testCRDs,
		"CRDs that a run replaced are put back":                         testReplacedCRDs,
		"the largest CRDs can be put back":                              testLargeCRDs,
		"a rollout is waited for until old pods are gone":               testRollout,
		"a rollout that cannot start fails within seconds":              testFailingRollout,
		"a deadline is told with what was seen":                         testDeadline,
		"a Service is dialled through the API server":                   testDial,
		"an environment's routing is applied, waited for and removed":   testRouting,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func start(t *testing.T) *suite {
	t.Helper()
	bin := filepath.Join("..", "..", "bin")
	if missing := controlplane.Missing(bin, controlplane.Programs()...); len(missing) > 0 {
		message := "no " + strings.Join(missing, ", ") + " in bin/; run `make tools`"
		if os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	plane, err := controlplane.Start(ctx, controlplane.Options{Dir: t.TempDir(), Bin: bin, Port: freePort, Start: func(spec process.Spec) (*process.Process, error) {
		p, err := process.Start(spec)
		if err == nil {
			t.Cleanup(func() { p.Stop(0) })
		}
		return p, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cluster.New(config.Cluster{Kubeconfig: plane.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	restConfig, err := clientcmd.BuildConfigFromFlags("", plane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return &suite{client: client, kube: kubernetes.NewForConfigOrDie(restConfig), dynamic: dynamic.NewForConfigOrDie(restConfig)}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// namespace makes one of the test's own.
func (s *suite) namespace(t *testing.T, name string) string {
	t.Helper()
	created, err := s.client.EnsureNamespace(t.Context(), name, cluster.Labels("dev"))
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	return name
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

func testAccess(t *testing.T, s *suite) {
	version, err := s.client.Version(t.Context())
	if err != nil || version.Major != 1 || version.Minor < 30 {
		t.Errorf("version %+v, %v", version, err)
	}
	denied, err := s.client.Allowed(t.Context(), []cluster.Access{
		{Verb: "create", Group: "apps", Resource: "deployments", Namespace: "apim"}, {Verb: "create", Resource: "pods/portforward", Namespace: "apim"},
	})
	if err != nil || len(denied) > 0 {
		t.Errorf("denied %v, %v", denied, err)
	}
}

func testApplyTwice(t *testing.T, s *suite) {
	ns := s.namespace(t, "twice")
	objects := []*unstructured.Unstructured{configMap(ns, "a", "dev", map[string]any{"k": "1"}), configMap(ns, "b", "dev", map[string]any{"k": "1"})}
	apply := func(want int) {
		t.Helper()
		changed, err := s.client.Apply(t.Context(), objects)
		if err != nil || len(changed) != want {
			t.Errorf("changed %v, %v; want %d", changed, err, want)
		}
	}
	apply(2)
	apply(0)
	objects[1].Object["data"] = map[string]any{"other": "2"}
	apply(1)
	if data, _, _ := s.client.ConfigMap(t.Context(), ns, "b"); !cmp.Equal(data, map[string]string{"other": "2"}) {
		t.Errorf("a field that is no longer wanted stays: %v", data)
	}
	if created, err := s.client.EnsureNamespace(t.Context(), ns, nil); created || err != nil {
		t.Errorf("namespace made twice: %v, %v", created, err)
	}
}

func testForeignConflict(t *testing.T, s *suite) {
	ns := s.namespace(t, "foreign")
	if _, err := s.client.CreateConfigMap(t.Context(), ns, "theirs", map[string]string{cluster.ManagedByLabel: "Helm"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{configMap(ns, "shared", "prod", nil)}); err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]string{"theirs": "managed by Helm", "shared": `environment "prod"`} {
		_, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{configMap(ns, name, "dev", nil)})
		var known *cluster.Error
		if !errors.As(err, &known) || known.Kind != cluster.Conflict || !strings.Contains(err.Error(), part) || known.Next == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testRestore(t *testing.T, s *suite) {
	ns := s.namespace(t, "restore")
	was := configMap(ns, "was", "dev", map[string]any{"k": "old"})
	if _, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{was}); err != nil {
		t.Fatal(err)
	}
	is, fresh := configMap(ns, "was", "dev", map[string]any{"k": "new", "more": "x"}), configMap(ns, "fresh", "dev", nil)
	snapshots, err := s.client.Snapshot(t.Context(), []cluster.Ref{cluster.RefOf(is), cluster.RefOf(fresh)})
	if err != nil || !snapshots[0].Exists || snapshots[1].Exists {
		t.Fatalf("%+v, %v", snapshots, err)
	}
	if _, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{is, fresh}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second Undo finds everything done
		if left, err := s.client.Restore(t.Context(), snapshots); err != nil || len(left) > 0 {
			t.Fatalf("left %v, %v", left, err)
		}
	}
	if data, _, _ := s.client.ConfigMap(t.Context(), ns, "was"); !cmp.Equal(data, map[string]string{"k": "old"}) {
		t.Errorf("not put back: %v", data)
	}
	if _, found, _ := s.client.ConfigMap(t.Context(), ns, "fresh"); found {
		t.Error("what was new is still there")
	}
	if changed, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{was}); err != nil || len(changed) > 0 {
		t.Errorf("after Undo the old state is not the old state: %v, %v", changed, err)
	}
}

func testRestoreForeign(t *testing.T, s *suite) {
	ns := s.namespace(t, "restore-foreign")
	ref := cluster.RefOf(configMap(ns, "theirs", "", nil))
	before, err := s.client.Snapshot(t.Context(), []cluster.Ref{ref})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateConfigMap(t.Context(), ns, "theirs", nil, map[string]string{"k": "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.client.ConfigMap(t.Context(), ns, "theirs"); !found {
		t.Error("a foreign object was deleted")
	}
	ref.Owner = "!app.kubernetes.io/managed-by"
	if err := s.client.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.client.ConfigMap(t.Context(), ns, "theirs"); found {
		t.Error("an object that matches its owner was not deleted")
	}
}

func testSecretSnapshot(t *testing.T, s *suite) {
	ns := s.namespace(t, "secret-snapshot")
	if _, err := s.client.CreateSecret(t.Context(), ns, "s", corev1.SecretTypeOpaque, cluster.Labels("dev"), map[string][]byte{"k": []byte("hush")}); err != nil {
		t.Fatal(err)
	}
	ref := cluster.Ref{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "s"}
	got, err := s.client.Snapshot(t.Context(), []cluster.Ref{ref})
	if diff := cmp.Diff([]cluster.Snapshot{{Ref: ref, Exists: true}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func testSecretOnce(t *testing.T, s *suite) {
	ns := s.namespace(t, "secret-once")
	make := func(value string) (bool, error) {
		return s.client.CreateSecret(t.Context(), ns, "s", corev1.SecretTypeOpaque, nil, map[string][]byte{"k": []byte(value)})
	}
	if created, err := make("first"); !created || err != nil {
		t.Fatal(created, err)
	}
	first, err := s.client.Checksum(t.Context(), ns, "s")
	if err != nil {
		t.Fatal(err)
	}
	if created, err := make("second"); created || err != nil {
		t.Fatal(created, err)
	}
	if again, _ := s.client.Checksum(t.Context(), ns, "s"); again != first {
		t.Error("the Secret changed")
	}
	if _, err := s.client.Checksum(t.Context(), ns, "nope"); err == nil || !strings.Contains(err.Error(), "Next:") {
		t.Errorf("missing Secret: %v", err)
	}
}

func testDeleteAbsent(t *testing.T, s *suite) {
	err := s.client.Delete(t.Context(), cluster.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "default", Name: "nope"},
		cluster.Ref{APIVersion: "example.com/v1", Kind: "Nope", Name: "nope"})
	if err != nil {
		t.Error(err)
	}
}

func testStuckDeletion(t *testing.T, s *suite) {
	ns := s.namespace(t, "stuck")
	obj := configMap(ns, "held", "dev", nil)
	obj.SetFinalizers([]string{"example.com/hold"})
	if _, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{obj}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var problem *cluster.Problem
	if err := s.client.Delete(ctx, cluster.RefOf(obj)); !errors.As(err, &problem) || !strings.Contains(err.Error(), "example.com/hold") {
		t.Errorf("got %v", err)
	}
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := s.kube.CoreV1().ConfigMaps(ns).Patch(t.Context(), "held", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
}

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

func testCRDs(t *testing.T, s *suite) {
	ns := s.namespace(t, "crds")
	crd := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(widgets), &crd.Object); err != nil {
		t.Fatal(err)
	}
	kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	if missing, err := s.client.Missing(t.Context(), []schema.GroupVersionKind{kind}); err != nil || len(missing) != 1 {
		t.Fatal(missing, err)
	}
	before, err := s.client.Snapshot(t.Context(), []cluster.Ref{cluster.RefOf(crd)})
	if err != nil {
		t.Fatal(err)
	}
	if created, _, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, config.CRDsSkip, cluster.Run{Environment: "dev", ID: "1"}); err != nil || len(created) != 0 {
		t.Fatal(created, err)
	}
	if created, _, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, config.CRDsCreate, cluster.Run{Environment: "dev", ID: "1"}); err != nil || len(created) != 1 {
		t.Fatal(created, err)
	}
	for _, policy := range []config.CRDPolicy{config.CRDsCreate, config.CRDsCreateReplace} {
		if created, _, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, policy, cluster.Run{Environment: "dev", ID: "1"}); err != nil || len(created) != 0 {
			t.Fatal(policy, created, err)
		}
	}
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "spec": map[string]any{"size": int64(1)}}}
	widget.SetNamespace(ns)
	widget.SetName("w")
	widget.SetLabels(cluster.Labels("dev"))
	if _, err := s.client.Apply(t.Context(), []*unstructured.Unstructured{widget}); err != nil {
		t.Fatalf("a kind that is new to the client: %v", err)
	}
	if left, err := s.client.Restore(t.Context(), before); err != nil || len(left) != 1 {
		t.Fatal(left, err)
	}
	if _, found, _ := s.client.Get(t.Context(), cluster.RefOf(crd)); !found {
		t.Fatal("the CRD was deleted with an object in it")
	}
	if err := s.client.Delete(t.Context(), cluster.RefOf(widget)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := s.client.Get(t.Context(), cluster.RefOf(crd)); found {
		t.Error("the unused CRD of this run is still there")
	}
}
