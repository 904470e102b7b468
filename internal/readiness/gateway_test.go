package readiness_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/diagnosis"
	"lockstep/internal/gateway"
	"lockstep/internal/readiness"
	"lockstep/test/clustertest"
)

// testRouting applies an environment's routing to the real CRDs; the test plays the gateway controller.
func testRouting(t *testing.T, s *clustertest.Plane) {
	env := config.Environment{Name: "dev", Namespace: s.Namespace(t, "routing"), Hostnames: config.Hostnames{
		Management: "am.example.test", Gateway: "gw.example.test", WebSocket: "ws.example.test", WebSub: "websub.example.test", KeyManager: "km.example.test",
	}}
	env.Routing.ServiceType = "NodePort"
	env.Default()
	crds := clustertest.GatewayCRDs(t, "1.9")
	before, err := s.Client.Snapshot(t.Context(), clustertest.RefsOf(crds))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if result, err := crd.Apply(t.Context(), s.Client, crds, config.CRDsCreate, crd.Run{Environment: "dev", ID: "1"}); err != nil || len(result.Created) != len(crds) {
		t.Fatalf("%+v, %v", result, err)
	}
	t.Logf("%d CRDs in %v", len(crds), time.Since(start))
	if missing, err := s.Client.Missing(t.Context(), gateway.Needs(env)); err != nil || len(missing) > 0 {
		t.Fatalf("missing %v, %v", missing, err)
	}
	objects := append(gateway.Objects(env), gateway.IdentityServerRoutes(env, "is-identity-server", "wso2-ca-cert")...)
	for _, want := range []int{len(objects), 0} {
		if changed, err := s.Client.Apply(t.Context(), objects); err != nil || len(changed) != want {
			t.Fatalf("changed %v, %v; want %d", changed, err, want)
		}
	}
	dataPlane(t, s, env)
	t.Run("a Gateway is waited for", func(t *testing.T) { testWaitGateway(t, s, env) })
	t.Run("routes are waited for", func(t *testing.T) { testWaitRoutes(t, s, env) })
	t.Run("everything goes", func(t *testing.T) {
		if err := s.Client.Delete(t.Context(), append(append(gateway.Refs(env), gateway.Class(env)), gateway.IdentityServerRefs(env, "is-identity-server")...)...); err != nil {
			t.Fatal(err)
		}
		if left, err := s.Client.Restore(t.Context(), before); err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
		if missing, err := s.Client.Missing(t.Context(), gateway.Needs(env)); err != nil || len(missing) != len(gateway.Needs(env)) {
			t.Errorf("missing %v, %v", missing, err)
		}
	})
}

// dataPlane makes the Service that the controller would make.
func dataPlane(t *testing.T, s *clustertest.Plane, env config.Environment) {
	t.Helper()
	if _, err := s.Client.EnsureNamespace(t.Context(), env.Routing.Namespace, nil); err != nil {
		t.Fatal(err)
	}
	_, err := s.Kube.CoreV1().Services(env.Routing.Namespace).Create(t.Context(), &corev1.Service{
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
func say(t *testing.T, s *clustertest.Plane, ref cluster.Ref, resource string, status map[string]any) {
	t.Helper()
	live, found, err := s.Client.Get(t.Context(), ref)
	if err != nil || !found {
		t.Fatal(ref, found, err)
	}
	live.Object["status"] = status
	objects := s.Dynamic.Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: resource}).Namespace(ref.Namespace)
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

func testWaitGateway(t *testing.T, s *clustertest.Plane, env config.Environment) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	type result struct {
		status diagnosis.GatewayStatus
		err    error
	}
	done := make(chan result, 1)
	go func() {
		status, err := readiness.Gateway(ctx, s.Client, env.Namespace, env.Routing.Gateway, func(text string) { t.Log(text) })
		done <- result{status, err}
	}()
	say(t, s, gateway.Class(env), "gatewayclasses", map[string]any{"conditions": conditions("Accepted", "Accepted")})
	var listeners []any
	for _, name := range []string{"control-plane-https", "gateway-https", "websocket-https", "websub-https", "keymanager-https"} {
		listeners = append(listeners, map[string]any{"name": name, "attachedRoutes": int64(0), "supportedKinds": []any{},
			"conditions": append(conditions("Accepted", "Accepted"), append(conditions("Programmed", "Programmed"), conditions("ResolvedRefs", "ResolvedRefs")...)...)})
	}
	own := gateway.Refs(env)
	say(t, s, own[slices.IndexFunc(own, func(ref cluster.Ref) bool { return ref.Kind == "Gateway" })], "gateways", map[string]any{
		"listeners":  listeners,
		"addresses":  []any{map[string]any{"type": "IPAddress", "value": "192.0.2.1"}},
		"conditions": append(conditions("Accepted", "Accepted"), conditions("Programmed", "Programmed")...),
	})
	got := <-done
	want := diagnosis.GatewayStatus{Address: "192.0.2.1", Addresses: []string{"192.0.2.1"}, Port: 30443, Programmed: true, Reason: "Programmed"}
	if diff := cmp.Diff(want, got.status); diff != "" || got.err != nil {
		t.Error(diff, got.err)
	}
}

func testWaitRoutes(t *testing.T, s *clustertest.Plane, env config.Environment) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- readiness.Routes(ctx, s.Client, env.Namespace, []string{"is-identity-server-httproute"}, func(text string) { t.Log(text) })
	}()
	parent := map[string]any{"name": env.Routing.Gateway}
	refs := gateway.IdentityServerRefs(env, "is-identity-server")
	say(t, s, refs[1], "backendtlspolicies", map[string]any{"ancestors": []any{map[string]any{
		"ancestorRef": parent, "controllerName": env.Routing.ControllerName, "conditions": conditions("Accepted", "Accepted", "ResolvedRefs")}}})
	say(t, s, refs[0], "httproutes", map[string]any{"parents": []any{map[string]any{
		"parentRef": parent, "controllerName": env.Routing.ControllerName, "conditions": conditions("Accepted", "Accepted", "ResolvedRefs")}}})
	if err := <-done; err != nil {
		t.Error(err)
	}
}
