package diagnosis

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"lockstep/internal/failure"
	"lockstep/internal/readiness"
)

// ofGateways are what a gateway controller says; the provocations play it. [yes] and [no] are its conditions.
func ofGateways() []provocation {
	return []provocation{
		{"No controller takes the GatewayClass", func(t *testing.T, l *lab) string {
			l.class(t, "orphan")
			l.gateway(t, "orphan", map[string]any{})
			return l.waitGateway(t, "orphan")
		}},
		{"GatewayClass belongs to another controller", func(t *testing.T, l *lab) string {
			l.class(t, "theirs")
			return l.refused(t, failure.Conflict, l.activities.ApplyGateway, l.input(t, map[string]any{"gateway.gatewayClass": "theirs"}))
		}},
		{"Listeners conflict", func(t *testing.T, l *lab) string {
			l.class(t, "conflict", yes("Accepted", "Accepted"))
			l.gateway(t, "conflict", map[string]any{"conditions": []any{yes("Accepted", "Accepted"), no("Programmed", "Invalid", "")}, "listeners": []any{
				listener("gateway-https", no("Accepted", "HostnameConflict", ""), yes("Conflicted", "HostnameConflict", "All listeners for a given port must use a unique hostname"))}})
			return l.waitGateway(t, "conflict")
		}},
		{"Listener has no certificate", func(t *testing.T, l *lab) string {
			l.class(t, "no-certificate", yes("Accepted", "Accepted"))
			l.gateway(t, "no-certificate", map[string]any{"conditions": []any{yes("Accepted", "Accepted"), no("Programmed", "Invalid", "")}, "listeners": []any{
				listener("gateway-https", no("ResolvedRefs", "InvalidCertificateRef", "Secret no-certificate/gateway-https-tls does not exist."))}})
			return l.waitGateway(t, "no-certificate")
		}},
		{"Gateway gets no address", func(t *testing.T, l *lab) string {
			l.class(t, "no-address", yes("Accepted", "Accepted"))
			l.gateway(t, "no-address", map[string]any{"conditions": []any{yes("Accepted", "Accepted"),
				no("Programmed", "AddressNotAssigned", "No addresses have been assigned to the Gateway")}})
			l.balanced(t, "no-address")
			return l.waitGateway(t, "no-address")
		}},
		{"Route leads nowhere", func(t *testing.T, l *lab) string {
			l.namespace(t, "route", nil)
			route := l.object(t, "HTTPRoute", "route", "httproutes", map[string]any{
				"parentRefs": []any{map[string]any{"name": "gw"}}, "rules": []any{map[string]any{"backendRefs": []any{map[string]any{"name": "is", "port": int64(9443)}}}}})
			l.status(t, "httproutes", route, map[string]any{"parents": []any{map[string]any{
				"parentRef": map[string]any{"name": "gw"}, "controllerName": "example.com/played",
				"conditions": []any{yes("Accepted", "Accepted"), no("ResolvedRefs", "BackendNotFound", "service route/is not found")}}}})
			ctx, cancel := context.WithTimeout(t.Context(), far)
			defer cancel()
			return diagnosed(t, readiness.Routes(ctx, l.Cluster, "route", []string{"route"}, nil, readiness.Pace(pace)))
		}},
	}
}

func yes(typ, reason string, message ...string) map[string]any {
	return condition(typ, "True", reason, append(message, "")[0])
}

func no(typ, reason, message string) map[string]any { return condition(typ, "False", reason, message) }

func condition(typ, status, reason, message string) map[string]any {
	return map[string]any{"type": typ, "status": status, "reason": reason, "message": message, "observedGeneration": int64(1),
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
}

func listener(name string, conditions ...any) map[string]any {
	return map[string]any{"name": name, "attachedRoutes": int64(0), "supportedKinds": []any{}, "conditions": conditions}
}

// class makes a GatewayClass of a controller that does not run, with what it would say of it.
func (l *lab) class(t *testing.T, name string, conditions ...any) {
	t.Helper()
	class := l.object(t, "GatewayClass", name, "gatewayclasses", map[string]any{"controllerName": "example.com/played"})
	if len(conditions) > 0 {
		l.status(t, "gatewayclasses", class, map[string]any{"conditions": conditions})
	}
}

// gateway makes a Gateway of a class and a namespace of the same name.
func (l *lab) gateway(t *testing.T, name string, status map[string]any) {
	t.Helper()
	l.namespace(t, name, nil)
	gateway := l.object(t, "Gateway", name, "gateways", map[string]any{"gatewayClassName": name,
		"listeners": []any{map[string]any{"name": "gateway-https", "port": int64(443), "protocol": "HTTPS", "tls": map[string]any{
			"certificateRefs": []any{map[string]any{"name": "gateway-https-tls"}}}}}})
	if len(status) > 0 {
		l.status(t, "gateways", gateway, status)
	}
}

func (l *lab) waitGateway(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), far)
	defer cancel()
	_, err := readiness.Gateway(ctx, l.Cluster, name, name, func(text string) { t.Log(text) }, readiness.Pace(pace))
	return diagnosed(t, err)
}

// balanced makes the Service of a Gateway's data plane, of a class for which nobody balances.
func (l *lab) balanced(t *testing.T, gateway string) {
	t.Helper()
	class := "example.com/none"
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "envoy", Labels: map[string]string{
		"gateway.envoyproxy.io/owning-gateway-name": gateway, "gateway.envoyproxy.io/owning-gateway-namespace": gateway}},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, LoadBalancerClass: &class, Ports: []corev1.ServicePort{{Port: 443}}}}
	if _, err := l.Client(t).CoreV1().Services(gateway).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) dynamic(t *testing.T, resource, namespace string) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(l.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	of := client.Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: resource})
	if namespace == "" {
		return of
	}
	return of.Namespace(namespace)
}

// object makes an object of the Gateway API, in the namespace of its name unless it is a class.
func (l *lab) object(t *testing.T, kind, name, resource string, spec map[string]any) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "spec": spec}}
	object.SetName(name)
	if kind != "GatewayClass" {
		object.SetNamespace(name)
	}
	objects := l.dynamic(t, resource, object.GetNamespace())
	made, err := objects.Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = objects.Delete(context.Background(), name, metav1.DeleteOptions{}) })
	return made
}

func (l *lab) status(t *testing.T, resource string, object *unstructured.Unstructured, status map[string]any) {
	t.Helper()
	object.Object["status"] = status
	if _, err := l.dynamic(t, resource, object.GetNamespace()).UpdateStatus(t.Context(), object, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
