package world

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// generated says whether an object is made and named by Kubernetes itself, from another object that is in the snapshot: what a Service
// leads to, the empty ReplicaSets that a Deployment keeps for its history, finished hooks and their pods.
func generated(object *unstructured.Unstructured) bool {
	replicas, counted, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
	_, hook := object.GetAnnotations()["helm.sh/hook"]
	switch object.GetKind() {
	case "EndpointSlice":
		return true
	case "ReplicaSet":
		return counted && replicas == 0
	case "Job":
		return hook
	case "Pod":
		return object.GetLabels()["job-name"] != "" || object.GetDeletionTimestamp() != nil // it is as good as gone
	}
	return false
}

// normalized is an object without managed fields, timestamps and what else the server counts or draws by lot.
func normalized(t testing.TB, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	object = object.DeepCopy()
	metadata := object.Object["metadata"].(map[string]any)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation"} {
		delete(metadata, field)
	}
	if owners, ok := metadata["ownerReferences"].([]any); ok {
		for _, owner := range owners {
			delete(owner.(map[string]any), "uid")
		}
	}
	counters, _ := metadata["annotations"].(map[string]any)
	for _, name := range []string{"deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history"} {
		delete(counters, name)
	}
	switch object.GetKind() {
	case "Node":
		delete(object.Object, "status")
	case "Pod":
		normalizePod(object)
	case "Deployment", "ReplicaSet":
		status, _ := object.Object["status"].(map[string]any)
		delete(status, "conditions") // they name ReplicaSets, and tell how it came to be so
	case "Secret":
		if kind, _, _ := unstructured.NestedString(object.Object, "type"); kind == "helm.sh/release.v1" {
			normalizeRelease(t, object)
		}
	}
	withoutTimes(object.Object)
	return object.Object
}

// normalizePod leaves of a pod what its owner asked for.
func normalizePod(pod *unstructured.Unstructured) {
	pod.SetName("")
	delete(pod.Object, "status")
	spec := pod.Object["spec"].(map[string]any)
	volumes, _ := spec["volumes"].([]any)
	spec["volumes"] = withoutAccess(volumes)
	for _, kind := range []string{"initContainers", "containers"} {
		containers, _ := spec[kind].([]any)
		for _, one := range containers {
			container := one.(map[string]any)
			mounts, _ := container["volumeMounts"].([]any)
			container["volumeMounts"] = withoutAccess(mounts)
		}
	}
}

// withoutAccess leaves out the volume of the pod's account, whose name is drawn by lot.
func withoutAccess(list []any) []any {
	var rest []any
	for _, one := range list {
		if name, _ := one.(map[string]any)["name"].(string); !strings.HasPrefix(name, "kube-api-access-") {
			rest = append(rest, one)
		}
	}
	return rest
}

// normalizeRelease unpacks what Helm keeps of a release, for its times to be left out like others.
func normalizeRelease(t testing.TB, record *unstructured.Unstructured) {
	t.Helper()
	encoded, _, _ := unstructured.NestedString(record.Object, "data", "release")
	inner, err := base64.StdEncoding.DecodeString(encoded) // of every Secret; Helm's own encoding is below
	if err != nil {
		t.Fatal(err)
	}
	text, err := unpacked(string(inner))
	if err != nil {
		t.Fatal(err)
	}
	release := map[string]any{}
	if err := json.Unmarshal(text, &release); err != nil {
		t.Fatal(err)
	}
	if info, ok := release["info"].(map[string]any); ok {
		for _, moment := range []string{"first_deployed", "last_deployed", "deleted"} {
			delete(info, moment)
		}
	}
	hooks, _ := release["hooks"].([]any)
	for _, hook := range hooks {
		if run, ok := hook.(map[string]any)["last_run"].(map[string]any); ok {
			delete(run, "started_at")
			delete(run, "completed_at")
		}
	}
	delete(release, "chart") // its files; name and version are in the manifest's labels
	record.Object["data"] = map[string]any{"release": release}
	labels := record.GetLabels()
	delete(labels, "modifiedAt")
	record.SetLabels(labels)
}

func withoutTimes(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, part := range v {
			if key == "observedGeneration" || strings.HasSuffix(key, "Time") || strings.HasSuffix(key, "Timestamp") {
				delete(v, key)
				continue
			}
			withoutTimes(part)
		}
	case []any:
		for _, part := range v {
			withoutTimes(part)
		}
	}
}

// nameOf is what an object is known by; pods are known by what made them, and counted.
func nameOf(object *unstructured.Unstructured, taken func(string) bool) string {
	kind, namespace, name := object.GroupVersionKind().GroupKind(), object.GetNamespace(), object.GetName()
	if object.GetKind() != "Pod" || object.GetGenerateName() == "" {
		return fmt.Sprintf("%s %s/%s", kind, namespace, name)
	}
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s %s/%s%d", kind, namespace, object.GetGenerateName(), i); !taken(name) {
			return name
		}
	}
}
