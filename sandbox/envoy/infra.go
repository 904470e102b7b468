package envoy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	proxyImage = "docker.io/envoyproxy/envoy:distroless-v1.37.0"

	metricsPort   = 19001
	readinessPort = 19003
)

// infraName is the name of all that the controller makes for a Gateway: envoy-<namespace>-<name>, cut, and a hash.
func infraName(g gateway) string {
	whole := g.Namespace + "/" + g.Name
	sum := sha256.Sum256([]byte(whole))
	readable := strings.ReplaceAll(whole, "/", "-")
	return "envoy-" + readable[:min(len(readable), 48)] + "-" + hex.EncodeToString(sum[:])[:8]
}

// containerPort is the port on which a proxy serves a listener's port: privileged ones are shifted.
func containerPort(port int32) int32 {
	if port < 1024 {
		return port + 10000
	}
	return port
}

// infrastructure lists the objects that a Gateway needs in the controller's namespace.
func (w *world) infrastructure(g gateway) []*unstructured.Unstructured {
	return []*unstructured.Unstructured{
		w.owned(g, serviceAccounts, "ServiceAccount", nil),
		w.owned(g, configMaps, "ConfigMap", map[string]any{"data": map[string]any{"note": "simulated"}}),
		w.owned(g, services, "Service", map[string]any{"spec": w.serviceSpec(g)}),
		w.owned(g, deployments, "Deployment", map[string]any{"spec": deploymentSpec(g)}),
	}
}

func (w *world) owned(g gateway, resource schema.GroupVersionResource, kind string, fields map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: maps.Clone(fields)}
	if object.Object == nil {
		object.Object = map[string]any{}
	}
	object.SetAPIVersion(resource.GroupVersion().String())
	object.SetKind(kind)
	object.SetNamespace(w.namespace)
	object.SetName(infraName(g))
	labels := selector(g)
	labels[managedByLabel] = managedBy
	object.SetLabels(labels)
	return object
}

func selector(g gateway) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":      "envoy",
		"app.kubernetes.io/component": "proxy",
		managedByLabel:                managedBy,
		owningNameLabel:               g.Name,
		owningNamespaceLabel:          g.Namespace,
	}
}

// serviceSpec has the type that the EnvoyProxy of the Gateway, or else of its class, asks for.
func (w *world) serviceSpec(g gateway) map[string]any {
	var asked string
	if class, ok := w.class(g); ok && class.Spec.ParametersRef != nil {
		asked = w.serviceType(class.Spec.ParametersRef, cmp.Or(class.Spec.ParametersRef.Namespace, w.namespace))
	}
	if ref := g.Spec.Infrastructure.ParametersRef; ref != nil {
		asked = cmp.Or(w.serviceType(ref, g.Namespace), asked)
	}
	spec := map[string]any{"type": cmp.Or(asked, "LoadBalancer"), "selector": anyMap(selector(g)), "ports": servicePorts(g)}
	if spec["type"] == "LoadBalancer" {
		spec["externalTrafficPolicy"] = "Local"
	}
	return spec
}

func (w *world) serviceType(ref *parametersRef, namespace string) string {
	if proxy := w.proxy(namespace, ref.Name); proxy != nil {
		return proxy.Spec.Provider.Kubernetes.EnvoyService.Type
	}
	return ""
}

func servicePorts(g gateway) []any {
	var ports []any
	for _, l := range distinctPorts(g) {
		ports = append(ports, map[string]any{
			"name": portName(l), "protocol": "TCP", "port": int64(l.Port), "targetPort": int64(containerPort(l.Port)),
		})
	}
	return ports
}

// distinctPorts has one listener for each port.
func distinctPorts(g gateway) []listener {
	byPort := map[int32]listener{}
	for _, l := range g.Spec.Listeners {
		if _, ok := byPort[l.Port]; !ok {
			byPort[l.Port] = l
		}
	}
	var distinct []listener
	for _, port := range slices.Sorted(maps.Keys(byPort)) {
		distinct = append(distinct, byPort[port])
	}
	return distinct
}

func portName(l listener) string { return fmt.Sprintf("%s-%d", strings.ToLower(l.Protocol), l.Port) }

func deploymentSpec(g gateway) map[string]any {
	labels := map[string]any{"matchLabels": anyMap(selector(g))}
	ports := []any{
		map[string]any{"name": "metrics", "containerPort": int64(metricsPort)},
		map[string]any{"name": "readiness", "containerPort": int64(readinessPort)},
	}
	for _, l := range distinctPorts(g) {
		ports = append(ports, map[string]any{"name": portName(l), "containerPort": int64(containerPort(l.Port))})
	}
	ready := map[string]any{"path": "/ready", "port": int64(readinessPort), "scheme": "HTTP"}
	container := map[string]any{
		"name": "envoy", "image": proxyImage, "imagePullPolicy": "IfNotPresent",
		"command": []any{"envoy"},
		"args":    []any{"--service-cluster", g.Namespace + "/" + g.Name, "--service-node", "$(ENVOY_POD_NAME)"},
		"env": []any{
			map[string]any{"name": "ENVOY_POD_NAME", "valueFrom": fieldRef("metadata.name")},
			map[string]any{"name": "ENVOY_POD_NAMESPACE", "valueFrom": fieldRef("metadata.namespace")},
		},
		"ports":          ports,
		"startupProbe":   map[string]any{"httpGet": ready, "periodSeconds": int64(1), "failureThreshold": int64(30)},
		"readinessProbe": map[string]any{"httpGet": ready, "periodSeconds": int64(5), "failureThreshold": int64(1)},
		"resources":      map[string]any{"requests": map[string]any{"cpu": "100m", "memory": "512Mi"}},
	}
	pod := map[string]any{
		"serviceAccountName": infraName(g), "automountServiceAccountToken": false,
		"terminationGracePeriodSeconds": int64(360), "containers": []any{container},
	}
	return map[string]any{
		"replicas": int64(1), "selector": labels,
		"template": map[string]any{"metadata": map[string]any{"labels": anyMap(selector(g))}, "spec": pod},
	}
}

func fieldRef(path string) map[string]any {
	return map[string]any{"fieldRef": map[string]any{"fieldPath": path}}
}

func anyMap(strings map[string]string) map[string]any {
	all := map[string]any{}
	for key, value := range strings {
		all[key] = value
	}
	return all
}
