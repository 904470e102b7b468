package gateway

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
)

// IdentityServerRoutes are what no chart makes for Identity Server: the HTTPRoute from the key manager's hostname to
// its Service, and the policy by which Envoy verifies the server's certificate. service is the chart's full name;
// caConfigMap holds the CA under ca.crt, in the same namespace.
func IdentityServerRoutes(env config.Environment, service, caConfigMap string) []*unstructured.Unstructured {
	policy := object(env, gatewayAPI, "BackendTLSPolicy", service+"-backend-tls-policy", env.Namespace, map[string]any{
		"targetRefs": []any{map[string]any{"group": "", "kind": "Service", "name": service}},
		"validation": map[string]any{
			"caCertificateRefs": []any{map[string]any{"group": "", "kind": "ConfigMap", "name": caConfigMap}},
			"hostname":          service + "." + env.Namespace + ".svc",
		},
	})
	route := object(env, gatewayAPI, "HTTPRoute", service+"-httproute", env.Namespace, map[string]any{
		"parentRefs": []any{map[string]any{
			"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": env.Routing.Gateway, "sectionName": keyManagerListener,
		}},
		"hostnames": []any{env.Hostnames.KeyManager},
		"rules": []any{map[string]any{
			"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{"group": "", "kind": "Service", "name": service, "port": int64(9443), "weight": int64(1)}},
		}},
	})
	return []*unstructured.Unstructured{route, policy}
}

// IdentityServerRefs name the objects of [IdentityServerRoutes], the HTTPRoute first.
func IdentityServerRefs(env config.Environment, service string) []cluster.Ref {
	var refs []cluster.Ref
	for _, obj := range IdentityServerRoutes(env, service, "") {
		ref := cluster.RefOf(obj)
		ref.Owner = cluster.EnvironmentLabel + "=" + env.Name
		refs = append(refs, ref)
	}
	return refs
}
