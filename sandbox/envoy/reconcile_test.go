package envoy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

var kinds = map[string]schema.GroupVersionResource{
	"GatewayClass": gatewayClasses, "Gateway": gateways, "HTTPRoute": httpRoutes, "BackendTLSPolicy": tlsPolicies,
	"BackendTrafficPolicy": trafficPolicies, "EnvoyProxy": envoyProxies, "Service": services, "Secret": secrets,
	"ConfigMap": configMaps, "ServiceAccount": serviceAccounts, "Node": nodes, "Deployment": deployments,
}

// cluster is a fake API server with the objects of documents.
func cluster(t *testing.T, documents string) *fake.FakeDynamicClient {
	t.Helper()
	lists := map[schema.GroupVersionResource]string{}
	for kind, resource := range kinds {
		lists[resource] = kind + "List"
	}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	for _, document := range strings.Split(documents, "\n---\n") {
		object := &unstructured.Unstructured{}
		decode(t, document, &object.Object)
		resource := kinds[object.GetKind()]
		object.SetAPIVersion(resource.GroupVersion().String())
		if _, err := client.Resource(resource).Namespace(object.GetNamespace()).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return client
}

// run reconciles until nothing is left to write, and returns the writes.
func run(t *testing.T, client *fake.FakeDynamicClient) []string {
	t.Helper()
	var writes []string
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		watcher, err := watch(ctx, client, ofController("eg"))
		if err != nil {
			t.Fatal(err)
		}
		w := watcher.world("eg", DefaultController)
		client.ClearActions()
		r := reconciler{client: client, log: slog.New(slog.DiscardHandler), now: func() time.Time { return time.Unix(1000, 0) }}
		if err := r.reconcile(ctx, w); err != nil {
			t.Fatal(err)
		}
		cancel()
		var round []string
		for _, action := range client.Actions() {
			if !slices.Contains([]string{"get", "list", "watch"}, action.GetVerb()) {
				round = append(round, strings.TrimSuffix(action.GetVerb()+" "+action.GetResource().Resource+"/"+action.GetSubresource(), "/"))
			}
		}
		if len(round) == 0 {
			return writes
		}
		writes = append(writes, round...)
	}
	t.Fatalf("still writing after ten rounds: %v", writes)
	return nil
}

// bare is basics without what the controller makes.
func bare() string {
	return strings.Join(strings.Split(basics, "\n---\n")[:6], "\n---\n")
}

func TestAGatewayGetsItsInfrastructureAndLosesItAgain(t *testing.T) {
	client := cluster(t, bare())
	run(t, client)
	name := "envoy-apim-gw-87cd973d"
	service, err := client.Resource(services).Namespace("eg").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if kind, _, _ := unstructured.NestedString(service.Object, "spec", "type"); kind != "LoadBalancer" {
		t.Errorf("Service type %s", kind)
	}
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	want := []any{map[string]any{"name": "https-443", "protocol": "TCP", "port": int64(443), "targetPort": int64(10443)}}
	if diff := cmp.Diff(want, ports); diff != "" {
		t.Errorf("ports:\n%s", diff)
	}
	if service.GetLabels()[owningNamespaceLabel] != "apim" {
		t.Errorf("labels %v", service.GetLabels())
	}
	class, err := client.Resource(gatewayClasses).Get(t.Context(), "envoy-gateway", metav1.GetOptions{})
	if err != nil || !slices.Contains(class.GetFinalizers(), classFinalizer) {
		t.Errorf("the class in use has finalizers %v, %v", class.GetFinalizers(), err)
	}

	if err := client.Resource(gateways).Namespace("apim").Delete(t.Context(), "gw", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	run(t, client)
	for _, resource := range []schema.GroupVersionResource{services, deployments, serviceAccounts, configMaps} {
		list, err := client.Resource(resource).Namespace("eg").List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) != 0 {
			t.Errorf("%s left: %d, %v", resource.Resource, len(list.Items), err)
		}
	}
	class, err = client.Resource(gatewayClasses).Get(t.Context(), "envoy-gateway", metav1.GetOptions{})
	if err != nil || len(class.GetFinalizers()) != 0 {
		t.Errorf("the unused class has finalizers %v, %v", class.GetFinalizers(), err)
	}
}

func TestReconcilingWritesOnceAndThenNothing(t *testing.T) {
	client := cluster(t, bare())
	first := run(t, client)
	for _, want := range []string{"patch gatewayclasses/status", "patch gateways/status", "patch httproutes/status", "patch backendtlspolicies/status", "patch backendtrafficpolicies/status"} {
		if !slices.Contains(first, want) {
			t.Errorf("no %s among %v", want, first)
		}
	}
	if again := run(t, client); len(again) != 0 {
		t.Errorf("the second time wrote %v", again)
	}
}

func TestAnEnvoyProxySetsTheServiceType(t *testing.T) {
	for name, test := range map[string]struct{ old, new, namespace string }{
		"of the class":   {"spec: {controllerName:", "spec: {parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: custom, namespace: eg}, controllerName:", "eg"},
		"of the Gateway": {"gatewayClassName:", "infrastructure: {parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: custom}}\n  gatewayClassName:", "apim"},
	} {
		t.Run(name, func(t *testing.T) {
			documents := strings.Replace(bare(), test.old, test.new, 1) + fmt.Sprintf(`
---
kind: EnvoyProxy
metadata: {name: custom, namespace: %s}
spec: {provider: {type: Kubernetes, kubernetes: {envoyService: {type: ClusterIP}}}}
`, test.namespace)
			client := cluster(t, documents)
			run(t, client)
			service, err := client.Resource(services).Namespace("eg").Get(t.Context(), "envoy-apim-gw-87cd973d", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if kind, _, _ := unstructured.NestedString(service.Object, "spec", "type"); kind != "ClusterIP" {
				t.Errorf("Service type %s", kind)
			}
		})
	}
}

func TestAProxyWatchesWhatItServesAlone(t *testing.T) {
	client := cluster(t, basics)
	watcher, err := watch(t.Context(), client, ofProxy("apim", "gw"))
	if err != nil {
		t.Fatal(err)
	}
	if w := watcher.world("eg", ""); len(w.gateways) != 1 || len(w.routes) != 1 || len(w.deployments) != 0 {
		t.Errorf("sees %d gateways, %d routes and %d deployments", len(w.gateways), len(w.routes), len(w.deployments))
	}
	var got []string
	for _, action := range client.Actions() {
		if action, ok := action.(clienttesting.WatchAction); ok {
			got = append(got, strings.TrimSpace(action.GetResource().Resource+" "+action.GetNamespace()+" "+action.GetWatchRestrictions().Fields.String()))
		}
	}
	slices.Sort(got)
	want := []string{
		"backendtlspolicies", "configmaps", "gatewayclasses", "gateways apim metadata.name=gw", "httproutes",
		"secrets apim type!=helm.sh/release.v1", "services",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("watches:\n%s", diff)
	}
}
