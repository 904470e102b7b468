// Package gateway says what the routing of an environment consists of: the Gateway and its class, the routes of Identity
// Server, the values of the gateway chart and what its hooks leave behind. It is pure: configuration in, objects out.
package gateway

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
)

// API versions of the objects.
const (
	gatewayAPI = "gateway.networking.k8s.io/v1"
	envoyAPI   = "gateway.envoyproxy.io/v1alpha1"
)

// Objects are the GatewayClass, the Gateway with its five listeners and, unless Envoy's Service is of type LoadBalancer,
// the EnvoyProxy that says so, in the order in which they refer to each other.
func Objects(env config.Environment) []*unstructured.Unstructured {
	objects := []*unstructured.Unstructured{class(env)}
	if needsProxy(env) {
		objects = append(objects, proxy(env))
	}
	return append(objects, gateway(env))
}

// Refs are all of the environment's own objects that Objects may have made for it, with any settings: what a teardown deletes. The class is
// the cluster's: see [Class].
func Refs(env config.Environment) []cluster.Ref {
	own := cluster.EnvironmentLabel + "=" + env.Name
	refs := []cluster.Ref{cluster.RefOf(proxy(env)), cluster.RefOf(gateway(env))}
	for i := range refs {
		refs[i].Owner = own
	}
	return refs
}

// Class names the GatewayClass. Lockstep's is marked as such, and as no environment's: whoever made it, all use it.
func Class(env config.Environment) cluster.Ref { return cluster.RefOf(class(env)) }

func class(env config.Environment) *unstructured.Unstructured {
	class := object(env, gatewayAPI, "GatewayClass", env.Routing.GatewayClass, "", map[string]any{
		"controllerName": env.Routing.ControllerName,
	})
	class.SetLabels(map[string]string{cluster.ManagedByLabel: cluster.ManagedBy})
	return class
}

// proxy sets the Service's type for this Gateway alone: a class may be shared. The policy Cluster makes every node
// answer at the node port; Envoy Gateway's default Local would only let those with an Envoy pod, but it publishes the
// addresses of all nodes.
func proxy(env config.Environment) *unstructured.Unstructured {
	service := map[string]any{"type": env.Routing.ServiceType}
	if env.Routing.ServiceType == "NodePort" {
		service["externalTrafficPolicy"] = "Cluster"
	}
	if len(env.Routing.ServiceAnnotations) > 0 {
		annotations := map[string]any{}
		for key, value := range env.Routing.ServiceAnnotations {
			annotations[key] = value
		}
		service["annotations"] = annotations
	}
	return object(env, envoyAPI, "EnvoyProxy", env.Routing.Gateway, env.Namespace, map[string]any{
		"provider": map[string]any{
			"type":       "Kubernetes",
			"kubernetes": map[string]any{"envoyService": service},
		},
	})
}

func needsProxy(env config.Environment) bool {
	return len(env.Routing.ServiceAnnotations) > 0 || env.Routing.ServiceType != "" && env.Routing.ServiceType != "LoadBalancer"
}

func gateway(env config.Environment) *unstructured.Unstructured {
	spec := map[string]any{
		"gatewayClassName": env.Routing.GatewayClass,
		"listeners":        listeners(env),
	}
	if needsProxy(env) {
		spec["infrastructure"] = map[string]any{"parametersRef": map[string]any{
			"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": env.Routing.Gateway,
		}}
	}
	return object(env, gatewayAPI, "Gateway", env.Routing.Gateway, env.Namespace, spec)
}

func listeners(env config.Environment) []any {
	var all []any
	for _, l := range env.Listeners() {
		all = append(all, map[string]any{
			"name":     l.Name,
			"hostname": l.Hostname,
			"port":     int64(443),
			"protocol": "HTTPS",
			"tls": map[string]any{
				"mode":            "Terminate",
				"certificateRefs": certificateRefs(l.Secret),
			},
			"allowedRoutes": map[string]any{"namespaces": map[string]any{"from": "Same"}},
		})
	}
	return all
}

func certificateRefs(secret string) []any {
	return []any{map[string]any{"group": "", "kind": "Secret", "name": secret}}
}

func object(env config.Environment, apiVersion, kind, name, namespace string, spec map[string]any) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "spec": spec}}
	obj.SetName(name)
	if namespace != "" {
		obj.SetNamespace(namespace)
	}
	obj.SetLabels(cluster.Labels(env.Name))
	return obj
}
