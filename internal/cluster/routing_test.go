package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/gateway"
)

// testRouting applies an environment's routing to the real CRDs; the test plays the gateway controller.
func testRouting(t *testing.T, s *suite) {
	env := config.Environment{Name: "dev", Namespace: s.namespace(t, "routing"), Hostnames: config.Hostnames{
		Management: "am.example.test", Gateway: "gw.example.test", WebSocket: "ws.example.test", WebSub: "websub.example.test", KeyManager: "km.example.test",
	}}
	env.Routing.ServiceType = "NodePort"
	env.Default()
	crds := gatewayCRDs(t)
	before, err := s.client.Snapshot(t.Context(), refsOf(crds))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if created, _, err := s.client.ApplyCRDs(t.Context(), crds, config.CRDsCreate, cluster.Run{Environment: "dev", ID: "1"}); err != nil || len(created) != len(crds) {
		t.Fatalf("%d created, %v", len(created), err)
	}
	t.Logf("%d CRDs in %v", len(crds), time.Since(start))
	if missing, err := s.client.Missing(t.Context(), gateway.Needs(env)); err != nil || len(missing) > 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	objects := append(gateway.Objects(env), gateway.IdentityServerRoutes(env, "is-identity-server", "wso2-ca-cert")...)
	for _, want := range []int{len(objects), 0} {
		if changed, err := s.client.Apply(t.Context(), objects); err != nil || len(changed) != want {
			t.Fatalf("changed %v, %v; want %d", changed, err, want)
		}
	}
	s.dataPlane(t, env)
	t.Run("a Gateway is waited for", func(t *testing.T) { testWaitGateway(t, s, env) })
	t.Run("routes are waited for", func(t *testing.T) { testWaitRoutes(t, s, env) })
	t.Run("everything goes", func(t *testing.T) {
		if err := s.client.Delete(t.Context(), append(gateway.Refs(env), gateway.IdentityServerRefs(env, "is-identity-server")...)...); err != nil {
			t.Fatal(err)
		}
		if left, err := s.client.Restore(t.Context(), before); err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
		if missing, err := s.client.Missing(t.Context(), gateway.Needs(env)); err != nil || len(missing) != len(gateway.Needs(env)) {
			t.Errorf("missing %v, %v", missing, err)
		}
	})
}

func gatewayCRDs(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	folder := filepath.Join("..", "..", "bin", "charts", "gateway-helm", "crds")
	paths, _ := filepath.Glob(filepath.Join(folder, "generated", "*.yaml"))
	if len(paths) == 0 {
		t.Skip("no gateway chart in bin/; run `make tools`")
	}
	paths = append(paths, filepath.Join(folder, "gatewayapi-crds.yaml"))
	var crds []*unstructured.Unstructured
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			crd := &unstructured.Unstructured{}
			if err := decoder.Decode(&crd.Object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if len(crd.Object) > 0 {
				crds = append(crds, crd)
			}
		}
	}
	return crds
}

func refsOf(objects []*unstructured.Unstructured) []cluster.Ref {
	var refs []cluster.Ref
	for _, obj := range objects {
		refs = append(refs, cluster.RefOf(obj))
	}
	return refs
}

// dataPlane makes the Service that the controller would make.
func (s *suite) dataPlane(t *testing.T, env config.Environment) {
	t.Helper()
	if _, err := s.client.EnsureNamespace(t.Context(), env.Routing.Namespace, nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.kube.CoreV1().Services(env.Routing.Namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "envoy", Labels: map[string]string{
			"gateway.envoyproxy.io/owning-gateway-name": env.Routing.Gateway, "gateway.envoyproxy.io/owning-gateway-namespace": env.Namespace,
		}},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 443, NodePort: 30443}}, Selector: map[string]string{"app": "none"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// say writes an object's status as a controller would.
func (s *suite) say(t *testing.T, ref cluster.Ref, resource string, status map[string]any) {
	t.Helper()
	live, found, err := s.client.Get(t.Context(), ref)
	if err != nil || !found {
		t.Fatal(ref, found, err)
	}
	live.Object["status"] = status
	objects := s.dynamic.Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: resource}).Namespace(ref.Namespace)
	if _, err := objects.UpdateStatus(t.Context(), live, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func conditions(reason string, types ...string) []any {
	var all []any
	for _, typ := range types {
		all = append(all, map[string]any{"type": typ, "status": "True", "reason": reason, "message": "", "observedGeneration": int64(1),
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)})
	}
	return all
}

func testWaitGateway(t *testing.T, s *suite, env config.Environment) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	type result struct {
		status cluster.GatewayStatus
		err    error
	}
	done := make(chan result, 1)
	go func() {
		status, err := s.client.WaitGateway(ctx, env.Namespace, env.Routing.Gateway, func(text string) { t.Log(text) })
		done <- result{status, err}
	}()
	refs := gateway.Refs(env)
	s.say(t, refs[0], "gatewayclasses", map[string]any{"conditions": conditions("Accepted", "Accepted")})
	s.say(t, refs[2], "gateways", map[string]any{
		"addresses":  []any{map[string]any{"type": "IPAddress", "value": "192.0.2.1"}},
		"conditions": append(conditions("Accepted", "Accepted"), conditions("Programmed", "Programmed")...),
	})
	got := <-done
	want := cluster.GatewayStatus{Address: "192.0.2.1", Addresses: []string{"192.0.2.1"}, Port: 30443, Programmed: true, Reason: "Programmed"}
	if diff := cmp.Diff(want, got.status); diff != "" || got.err != nil {
		t.Error(diff, got.err)
	}
}

func testWaitRoutes(t *testing.T, s *suite, env config.Environment) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- s.client.WaitRoutes(ctx, env.Namespace, []string{"is-identity-server-httproute"}, func(text string) { t.Log(text) })
	}()
	parent := map[string]any{"name": env.Routing.Gateway}
	refs := gateway.IdentityServerRefs(env, "is-identity-server")
	s.say(t, refs[1], "backendtlspolicies", map[string]any{"ancestors": []any{map[string]any{
		"ancestorRef": parent, "controllerName": env.Routing.ControllerName, "conditions": conditions("Accepted", "Accepted", "ResolvedRefs")}}})
	s.say(t, refs[0], "httproutes", map[string]any{"parents": []any{map[string]any{
		"parentRef": parent, "controllerName": env.Routing.ControllerName, "conditions": conditions("Accepted", "Accepted", "ResolvedRefs")}}})
	if err := <-done; err != nil {
		t.Error(err)
	}
}
