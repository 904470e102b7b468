package release_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/failure"
	"lockstep/internal/release"
	"lockstep/internal/release/hook"
	"lockstep/sandbox/sandboxtest"
)

// TestReleasesOfARealCluster drives the engine against a real API server with Helm's own storage and client.
func TestReleasesOfARealCluster(t *testing.T) {
	box := sandboxtest.Up(t, sandboxtest.Options{Args: []string{"--no-temporal"}})
	c, err := cluster.New(cluster.Reach{Kubeconfig: box.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	o := release.Options{Getter: c.Getter, Charts: charts(t, box), Timeout: time.Minute}
	s := suite{engine: release.New(o), options: o, client: box.Client(t), cluster: c}
	for name, test := range map[string]func(*testing.T){
		"install, nothing, upgrade, roll back, uninstall": s.life,
		"an object of somebody else is a conflict":        s.conflict,
		"what somebody changed by hand is put back":       s.changedByHand,
		"a missing kind names its CRD":                    s.kindMissing,
		"a release outlives its kinds":                    s.kindRemoved,
		"an interrupted upgrade is done again":            s.interrupted,
		"a hook that cannot start fails fast":             s.hook,
		"the gateway chart with its hooks":                s.gateway,
		"a fault at any write":                            s.faults,
		"what was there before stays":                     s.orphans,
		"the end of a lease ends Helm's requests":         s.leases,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each has namespaces of its own
			test(t)
		})
	}
}

// charts gets them from the sandbox.
func charts(t *testing.T, box *sandboxtest.Sandbox) func() *chart.Fetcher {
	fetcher := chart.New(chart.Options{Mirrors: box.Mirrors(), CacheDir: t.TempDir(), Own: func(config.Chart) bool { return true }})
	return func() *chart.Fetcher { return fetcher }
}

type suite struct {
	engine  *release.Engine
	options release.Options
	client  kubernetes.Interface
	cluster *cluster.Client
	charts  map[string]string // folders, for arcs
}

func (s suite) life(t *testing.T) {
	ctx, spec := t.Context(), webSpec(t, "life", web)
	first := s.apply(t, spec)
	before := s.look(t, spec)
	if again := s.apply(t, spec); again.Changed || first.Revision != 1 {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if err := s.client.CoreV1().ConfigMaps("life").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if healed := s.apply(t, spec); !healed.Changed {
		t.Error("a deleted object is not noticed")
	}
	healed := s.look(t, spec)
	spec.Values = map[string]any{"text": "new"}
	s.apply(t, spec)
	if got := s.text(t, "life"); got != "new" {
		t.Errorf("text is %q", got)
	}
	for range 2 {
		if err := s.engine.Restore(ctx, release.Undo{Namespace: "life", Name: "web", Owner: "dev", Before: healed}, nil); err != nil {
			t.Fatal(err)
		}
	}
	after := s.look(t, spec)
	if s.text(t, "life") != "hello" || after.Revision != 2 || after.Fingerprint != before.Fingerprint || after.Digest != first.ChartDigest {
		t.Errorf("rolled back to %+v from %+v", after, before)
	}
	for range 2 {
		if err := s.engine.Uninstall(ctx, "life", "web", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.client.CoreV1().ConfigMaps("life").Get(ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the object is still there: %v", err)
	}
	if state := s.look(t, spec); state.Exists {
		t.Errorf("the release is still there: %+v", state)
	}
}

func (s suite) changedByHand(t *testing.T) {
	s.makeKind(t, strings.ReplaceAll(gadgets, "adget", "ewgaw"))
	spec := webSpec(t, "byhand", web+"---\napiVersion: example.com/v1\nkind: Gewgaw\nmetadata: {name: web}\nspec: {size: small}\n")
	s.apply(t, spec)
	for _, object := range []*unstructured.Unstructured{
		{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"text": "by hand"}}},
		{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Gewgaw", "spec": map[string]any{"size": "large", "more": "stays"}}},
	} {
		resource, err := s.cluster.Resource(object.GroupVersionKind(), "byhand")
		if err != nil {
			t.Fatal(err)
		}
		patch, err := object.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resource.Patch(t.Context(), "web", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	result := s.apply(t, spec)
	if diff := cmp.Diff([]string{"ConfigMap byhand/web", "Gewgaw byhand/web"}, result.Repaired); diff != "" || result.Revision != 2 {
		t.Errorf("%+v:\n%s", result, diff)
	}
	if items, err := s.engine.Compare(t.Context(), spec); err != nil || len(items) > 0 {
		t.Errorf("still changed: %v, %v", items, err)
	}
	if again := s.apply(t, spec); again.Changed {
		t.Errorf("again: %+v", again)
	}
	s.added(t)
}

// added are differences that no upgrade takes away: an entry that somebody added to a list, an empty value that the server does not
// store, and replicas that an autoscaler set.
func (s suite) added(t *testing.T) {
	spec := webSpec(t, "added", program)
	s.apply(t, spec)
	deployments := s.client.AppsV1().Deployments("added")
	patch := `[{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "ADDED", "value": "x"}}]`
	if _, err := deployments.Patch(t.Context(), "web", types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	scale, err := deployments.GetScale(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas, scale.ResourceVersion = 5, ""
	if _, err := deployments.UpdateScale(t.Context(), "web", scale, metav1.UpdateOptions{FieldManager: "kube-controller-manager"}); err != nil {
		t.Fatal(err)
	}
	if again := s.apply(t, spec); again.Changed {
		t.Errorf("a new revision that changes nothing: %+v", again)
	}
	items, err := s.engine.Compare(t.Context(), spec)
	if err != nil || len(items) != 1 || !strings.Contains(items[0].Next, "take it out by hand") {
		t.Errorf("%v, %v", items, err)
	}
	scale.Spec.Replicas, scale.ResourceVersion = 0, ""
	if _, err := deployments.UpdateScale(t.Context(), "web", scale, metav1.UpdateOptions{FieldManager: "somebody"}); err != nil {
		t.Fatal(err)
	}
	if again := s.apply(t, spec); len(again.Repaired) != 1 {
		t.Errorf("scaled to 0: %+v", again)
	}
}

// program is a Deployment with what the API server stores in other words.
const program = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: registry.lockstep.test/program:1
        env: [{name: EMPTY, value: ""}, {name: FULL, value: "1"}]
        resources: {requests: {cpu: 1000m}}
        readinessProbe: {tcpSocket: {port: 80}, initialDelaySeconds: 0}
`

func (s suite) conflict(t *testing.T) {
	spec := webSpec(t, "conflict", web)
	s.namespace(t, "conflict")
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
	if _, err := s.client.CoreV1().ConfigMaps("conflict").Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.fails(t, spec, release.Conflict, `ConfigMap "web"`)
}

func (s suite) kindMissing(t *testing.T) {
	s.fails(t, webSpec(t, "kinds", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n"), release.KindMissing, "Widget", "CRDs first")
}

func (s suite) makeKind(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &definition.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := crd.Apply(t.Context(), s.cluster, []*unstructured.Unstructured{definition}, config.CRDsCreate, crd.Run{}); err != nil {
		t.Fatal(err)
	}
	return definition
}

func (s suite) kindRemoved(t *testing.T) {
	crd := s.makeKind(t, gadgets)
	spec := webSpec(t, "removed", web+"---\napiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: web}\n")
	s.apply(t, spec)
	gadget := cluster.Ref{APIVersion: "example.com/v1", Kind: "Gadget", Namespace: "removed", Name: "web", Owner: "app.kubernetes.io/managed-by=Helm"}
	if err := s.cluster.Delete(t.Context(), gadget, cluster.RefOf(crd)); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Uninstall(t.Context(), "removed", "web", nil); err != nil {
		t.Fatal(err)
	}
	if state := s.look(t, spec); !state.IsZero() {
		t.Errorf("the release is still there: %+v", state)
	}
}

func (s suite) interrupted(t *testing.T) {
	spec := webSpec(t, "interrupted", web)
	s.apply(t, spec)
	record, err := s.client.CoreV1().Secrets("interrupted").Get(t.Context(), "sh.helm.release.v1.web.v1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(record.Labels["lockstep.dev/fingerprint"]) != 52 || record.Labels["owner"] != "helm" || record.Labels["lockstep.dev/owner"] != "dev" {
		t.Errorf("labels of the record are %v", record.Labels)
	}
	// A stuck hook leaves the release pending; cancelling ends the wait for it.
	ctx, cancel := context.WithCancel(t.Context())
	stuck := webSpec(t, "interrupted", web+"---\n"+hookJob)
	_, err = s.engine.Apply(ctx, stuck, func(text string) {
		if strings.Contains(text, "hook Job") {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("a cancelled hook is no error")
	}
	if state := s.look(t, spec); state.Status != "failed" || state.Revision != 2 {
		t.Errorf("after cancelling: %+v", state)
	}
	if again := s.apply(t, spec); again.Revision != 3 {
		t.Errorf("again: %+v", again)
	}
}

func (s suite) hook(t *testing.T) {
	start := time.Now()
	s.fails(t, webSpec(t, "hook", web+"---\n"+hookJob), hook.Failed, "hook Job setup cannot run", "ErrImagePull")
	if took := time.Since(start); took > 45*time.Second {
		t.Errorf("it took %s to notice", took)
	}
	s.apply(t, webSpec(t, "hook", web)) // without the hook
}

func (s suite) gateway(t *testing.T) {
	spec := release.Spec{Name: "envoy-gateway", Namespace: "envoy-gateway-system", CreateNamespace: true,
		Chart: config.Chart{OCI: "oci://docker.io/envoyproxy/gateway-helm", Version: "v1.7.0"}}
	crds, err := s.options.Charts().CRDs(t.Context(), spec.Chart)
	if err != nil || len(crds) == 0 {
		t.Errorf("%d CRDs, %v", len(crds), err)
	}
	s.dieInHook(t, spec)
	var said []string
	if result, err := s.engine.Apply(t.Context(), spec, func(text string) { said = append(said, text) }); err != nil || result.Revision != 1 {
		t.Fatal(result, err)
	}
	if !strings.Contains(strings.Join(said, "\n"), "hook Job envoy-gateway-gateway-helm-certgen") {
		t.Errorf("progress says nothing of the hook: %q", said)
	}
	if again := s.apply(t, spec); again.Changed {
		t.Error("the second time changes something")
	}
	if err := s.engine.Uninstall(t.Context(), spec.Namespace, spec.Name, nil); err != nil {
		t.Fatal(err)
	}
	pods, err := s.client.CoreV1().Pods(spec.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "control-plane=envoy-gateway"})
	if err != nil || len(pods.Items) != 0 {
		t.Errorf("%d pods are left, %v", len(pods.Items), err)
	}
}

// dieInHook lets a worker die while it waits for a hook.
func (s suite) dieInHook(t *testing.T, spec release.Spec) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := &fault{after: math.MaxInt}
	_, err := s.through(f).Apply(ctx, spec, func(text string) {
		if strings.Contains(text, "hook Job") {
			f.kill()
			cancel()
		}
	})
	if state := s.look(t, spec); err == nil || state.Status != "pending-install" {
		t.Fatalf("after its death: %+v, %v", state, err)
	}
}

func (s suite) apply(t *testing.T, spec release.Spec) release.Result {
	t.Helper()
	result, err := s.engine.Apply(t.Context(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (s suite) fails(t *testing.T, spec release.Spec, reason string, parts ...string) {
	t.Helper()
	_, err := s.engine.Apply(t.Context(), spec, nil)
	if failure.ReasonOf(err) != reason {
		t.Fatalf("got %v, want a failure for the reason %s", err, reason)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func (s suite) look(t *testing.T, spec release.Spec) release.State {
	t.Helper()
	state, err := s.engine.Look(t.Context(), spec.Namespace, spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func (s suite) text(t *testing.T, namespace string) string {
	t.Helper()
	object, err := s.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object.Data["text"]
}

func (s suite) namespace(t *testing.T, name string) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

const web = `apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  text: {{ .Values.text | quote }}
`

const gadgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

const hookJob = `apiVersion: batch/v1
kind: Job
metadata:
  name: setup
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: setup, image: "docker.io/example/setup:none"}]
`

// webSpec is a release called web of a chart with one template, in a namespace of its own.
func webSpec(t *testing.T, namespace, template string) release.Spec {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.2.3\n",
		"values.yaml":        "text: hello\n",
		"templates/web.yaml": template,
	} {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return release.Spec{Name: "web", Namespace: namespace, CreateNamespace: true, Chart: config.Chart{Path: folder},
		Owner: "dev"}
}
