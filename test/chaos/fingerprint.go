package chaos

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Fingerprint is what has to be the same of two environments that were made in the same way at different times: all objects, without
// what is generated, counted or drawn by lot; releases with their revisions; what the registry holds; and API Manager's key managers.
type Fingerprint map[string]any

// Differs compares two fingerprints.
func (p Fingerprint) Differs(other Fingerprint) string { return cmp.Diff(p, other) }

const (
	registryPrefix = "registry: "
	managerPrefix  = "key manager "
)

// pushedOver is what the registry holds if an operation that leads to p begins from before: nothing is taken away from it.
func (p Fingerprint) pushedOver(before Fingerprint, pushes bool) Fingerprint {
	want := Fingerprint{}
	for name, value := range before {
		if strings.HasPrefix(name, registryPrefix) {
			want[name] = value
		}
	}
	for name, value := range p {
		if pushes || !strings.HasPrefix(name, registryPrefix) {
			want[name] = value
		}
	}
	return want
}

// fingerprint takes one.
func (s *site) fingerprint(t testing.TB) Fingerprint {
	t.Helper()
	p := Fingerprint{}
	for _, object := range s.Objects(t) {
		p.add(object)
	}
	for name, digest := range s.registryOf(t) {
		p[registryPrefix+name] = digest
	}
	if _, deployed := p["release apim/apim"]; deployed {
		p.ofProducts(t, s)
	}
	return p
}

func (p Fingerprint) add(object *unstructured.Unstructured) {
	labels := object.GetLabels()
	switch kind := object.GetKind(); {
	case slices.Contains(uncompared(), kind), labels["job-name"] != "": // a finished hook goes by itself
	case kind == "Pod":
		p.count(fmt.Sprintf("Pod %s/%s", object.GetNamespace(), strings.TrimSuffix(object.GetGenerateName(), labels["pod-template-hash"]+"-")), pod(object))
	case kind == "Secret" && labels["owner"] == "helm":
		p.count(fmt.Sprintf("release %s/%s", object.GetNamespace(), labels["name"]), fmt.Sprintf("v%s %s", labels["version"], labels["status"]))
	default:
		p[fmt.Sprintf("%s %s/%s", object.GroupVersionKind().GroupKind(), object.GetNamespace(), object.GetName())] = lasting(object)
	}
}

// count adds one to a list of things whose own names are generated.
func (p Fingerprint) count(key string, value any) {
	list, _ := p[key].([]string)
	list = append(list, fmt.Sprint(value))
	slices.Sort(list)
	p[key] = list
}

// uncompared are kinds that others derive from what is compared, or that the server keeps for itself.
func uncompared() []string {
	return []string{"ReplicaSet", "EndpointSlice", "Job", "Node", "CSINode", "APIService", "FlowSchema", "PriorityLevelConfiguration", "ControllerRevision", "IPAddress", "PodMetrics", "NodeMetrics"}
}

// pod is what runs in a pod.
func pod(object *unstructured.Unstructured) string {
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	statuses, _, _ := unstructured.NestedSlice(object.Object, "status", "containerStatuses")
	text := phase
	if object.GetDeletionTimestamp() != nil {
		text += ", going"
	}
	for _, one := range statuses {
		status, _ := one.(map[string]any)
		text += fmt.Sprintf("; %v ready %v of %v", status["name"], status["ready"], status["imageID"])
	}
	return text
}

// lasting is an object without what differs from one making of it to the next.
func lasting(object *unstructured.Unstructured) map[string]any {
	o := object.DeepCopy()
	status, hasStatus := o.Object["status"].(map[string]any)
	delete(o.Object, "status")
	if o.GetKind() == "Deployment" && hasStatus {
		o.Object["status"] = map[string]any{"readyReplicas": status["readyReplicas"], "replicas": status["replicas"]}
	}
	metadata, _ := o.Object["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"} {
		delete(metadata, field)
	}
	if owners, ok := metadata["ownerReferences"].([]any); ok {
		for _, owner := range owners {
			if owner, ok := owner.(map[string]any); ok {
				delete(owner, "uid")
			}
		}
	}
	switch o.GetKind() {
	case "Secret":
		mask(o.Object["data"])
	case "ConfigMap":
		maskCertificates(o.Object["data"])
	case "Service":
		withoutAddresses(o.Object)
	case "CustomResourceDefinition":
		o.Object["spec"] = nil // large, and Lockstep takes them as they are
	}
	withoutDrawn(o.Object)
	return o.Object
}

// withoutDrawn drops what is computed from keys that are drawn by lot, and what the cluster counts.
func withoutDrawn(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, part := range v {
			if drawn(key) {
				delete(v, key)
				continue
			}
			withoutDrawn(part)
		}
	case []any:
		for _, part := range v {
			withoutDrawn(part)
		}
	}
}

func drawn(key string) bool {
	return strings.Contains(key, "checksum") || strings.HasSuffix(key, "Time") || strings.HasSuffix(key, "Timestamp") ||
		slices.Contains([]string{"deployment.kubernetes.io/revision", "caBundle", "observedGeneration"}, key)
}

func mask(data any) {
	if data, ok := data.(map[string]any); ok {
		for key := range data {
			data[key] = "…"
		}
	}
}

func maskCertificates(data any) {
	all, _ := data.(map[string]any)
	for key, value := range all {
		if text, _ := value.(string); strings.Contains(text, "BEGIN CERTIFICATE") {
			all[key] = "…"
		}
	}
}

func withoutAddresses(service map[string]any) {
	for _, field := range []string{"clusterIP", "clusterIPs", "healthCheckNodePort"} {
		unstructured.RemoveNestedField(service, "spec", field)
	}
	ports, _, _ := unstructured.NestedSlice(service, "spec", "ports")
	for _, port := range ports {
		if port, ok := port.(map[string]any); ok {
			delete(port, "nodePort")
		}
	}
	if len(ports) > 0 {
		_ = unstructured.SetNestedSlice(service, ports, "spec", "ports")
	}
}

// ofProducts adds what API Manager knows: key managers with their settings.
func (p Fingerprint) ofProducts(t testing.TB, s *site) {
	t.Helper()
	managers, err := s.Products(t).APIM().KeyManagers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, manager := range managers {
		settings := map[string]any{}
		for key, value := range manager {
			if key != "id" && key != "certificates" {
				settings[key] = value
			}
		}
		withoutDrawn(settings)
		p.count(managerPrefix+manager.Name(), fmt.Sprint(settings))
	}
}
