package gateway

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
)

// IdentityServerRoutes are what no chart makes for Identity Server: the HTTPRoute from the key manager's hostname to
// its Service, and the policy by which Envoy verifies the server's certificate; with more than one replica behind Envoy
// Gateway also the policy by which a browser stays with one of them. service is the chart's full name; caConfigMap holds
// the CA under ca.crt, in the same namespace.
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
			"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": env.Routing.Gateway, "sectionName": config.KeyManagerListener,
		}},
		"hostnames": []any{env.Hostnames.KeyManager},
		"rules": []any{map[string]any{
			"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{"group": "", "kind": "Service", "name": service, "port": int64(9443), "weight": int64(1)}},
		}},
	})
	objects := []*unstructured.Unstructured{route, policy}
	if env.SeveralIdentityServers() && env.Routing.IsEnvoyGateway() {
		objects = append(objects, sticky(env, service))
	}
	return objects
}

// sticky keeps a session of a browser with one replica: a login takes several requests, and what one replica knows of it
// reaches the others only after a while. The chart does the same by annotations of its Ingress. A ttl of 0s makes a
// session cookie.
func sticky(env config.Environment, service string) *unstructured.Unstructured {
	return object(env, envoyAPI, "BackendTrafficPolicy", service+"-backend-traffic-policy", env.Namespace, map[string]any{
		"targetRefs": []any{map[string]any{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": service + "-httproute"}},
		"loadBalancer": map[string]any{"type": "ConsistentHash", "consistentHash": map[string]any{
			"type": "Cookie", "cookie": map[string]any{"name": "WSO2_IS_STICKY_SESSION", "ttl": "0s"},
		}},
	})
}

// IdentityServerRefs name the objects that [IdentityServerRoutes] may have made for the environment, with any number of
// replicas, the HTTPRoute first.
func IdentityServerRefs(env config.Environment, service string) []cluster.Ref {
	var refs []cluster.Ref
	env.IdentityServer.Replicas, env.Routing.ControllerName = 2, config.DefaultController
	for _, obj := range IdentityServerRoutes(env, service, "") {
		ref := cluster.RefOf(obj)
		ref.Owner = cluster.EnvironmentLabel + "=" + env.Name
		refs = append(refs, ref)
	}
	return refs
}
