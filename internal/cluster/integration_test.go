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
	appsv1 "k8s.io/api/apps/v1"
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
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
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
	if created, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, config.CRDsSkip); err != nil || len(created) != 0 {
		t.Fatal(created, err)
	}
	if created, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, config.CRDsCreate); err != nil || len(created) != 1 {
		t.Fatal(created, err)
	}
	for _, policy := range []config.CRDPolicy{config.CRDsCreate, config.CRDsCreateReplace} {
		if created, err := s.client.ApplyCRDs(t.Context(), []*unstructured.Unstructured{crd}, policy); err != nil || len(created) != 0 {
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

// deploy makes a Deployment of one replica and gives the pod that its controllers made.
func (s *suite) deploy(t *testing.T, namespace, image string) *corev1.Pod {
	t.Helper()
	labels := map[string]string{"app": "x"}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			NodeName: "played", Containers: []corev1.Container{{Name: "main", Image: image}},
		}},
	}}
	deployments := s.kube.AppsV1().Deployments(namespace)
	if _, err := deployments.Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		if live, getErr := deployments.Get(t.Context(), "x", metav1.GetOptions{}); getErr == nil {
			live.Spec = deployment.Spec
			_, err = deployments.Update(t.Context(), live, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var found *corev1.Pod
	eventually(t, "a pod of "+image, func() bool {
		pods, err := s.kube.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=x"})
		for i := range pods.Items {
			if pods.Items[i].Spec.Containers[0].Image == image {
				found = &pods.Items[i]
			}
		}
		return err == nil && found != nil
	})
	return found
}

// play sets the pod's status as a kubelet would.
func (s *suite) play(t *testing.T, pod *corev1.Pod, ready bool, state corev1.ContainerState) {
	t.Helper()
	condition := corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: condition}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Image: "x", Ready: ready, State: state}}}
	if _, err := s.kube.CoreV1().Pods(pod.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) wait(t *testing.T, namespace string, timeout time.Duration) <-chan error {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() {
		done <- s.client.WaitDeployment(ctx, namespace, "x", func(text string) { t.Log(text) }, cluster.Hint("ImagePullBackOff", "push the image"))
	}()
	return done
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func testRollout(t *testing.T, s *suite) {
	ns := s.namespace(t, "rollout")
	s.play(t, s.deploy(t, ns, "x:1"), true, running)
	if err := <-s.wait(t, ns, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	s.play(t, s.deploy(t, ns, "x:2"), true, running)
	done := s.wait(t, ns, 30*time.Second)
	// The old pod is asked to end; its kubelet has not confirmed it yet.
	eventually(t, "the old pod's end", func() bool {
		pods, err := s.kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 2 && (pods.Items[0].DeletionTimestamp != nil || pods.Items[1].DeletionTimestamp != nil)
	})
	select {
	case err := <-done:
		t.Fatalf("done although the old pod still ends: %v", err)
	default:
	}
	pods, _ := s.kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	now := int64(0)
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			_ = s.kube.CoreV1().Pods(ns).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func testFailingRollout(t *testing.T, s *suite) {
	ns := s.namespace(t, "failing")
	done := s.wait(t, ns, time.Minute)
	pod := s.deploy(t, ns, "x:nope")
	s.play(t, pod, false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `"x:nope": not found`}})
	err := <-done
	var problem *cluster.Problem
	if !errors.As(err, &problem) || problem.Reason != "ImagePullBackOff" || problem.NextMove != "push the image" || !strings.Contains(err.Error(), pod.Name) {
		t.Errorf("got %v", err)
	}
}

func testDeadline(t *testing.T, s *suite) {
	ns := s.namespace(t, "deadline")
	s.play(t, s.deploy(t, ns, "x:1"), false, running)
	err := <-s.wait(t, ns, 3*time.Second)
	var problem *cluster.Problem
	if !errors.As(err, &problem) || problem.Reason != cluster.ReasonDeadline || !strings.Contains(err.Error(), "0/1 pods ready") {
		t.Errorf("got %v", err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
