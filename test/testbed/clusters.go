package testbed

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Other is another name for the cluster of the tests, for environments that reach it another way.
const Other = "other"

// clusters is the folder of cluster files of all worlds of a process.
var clusters struct {
	sync.Mutex
	folder string
	users  int
}

// Clusters is the folder of cluster files, until the test ends. At first it has that of LOCKSTEP_TEST_CLUSTER as the cluster default, or
// one that says nothing.
func Clusters(t testing.TB) string {
	t.Helper()
	clusters.Lock()
	defer clusters.Unlock()
	if clusters.users == 0 {
		folder, err := os.MkdirTemp("", "lockstep-clusters-")
		if err != nil {
			t.Fatal(err)
		}
		clusters.folder = folder
		write(t, "default", clusterFile(t, "default"))
	}
	clusters.users++
	t.Cleanup(func() {
		clusters.Lock()
		defer clusters.Unlock()
		if clusters.users--; clusters.users == 0 {
			_ = os.RemoveAll(clusters.folder)
		}
	})
	return clusters.folder
}

// Divide takes what is the cluster's out of changes to an environment, as gateway.crds and cluster.kubeconfig, and puts it into the
// cluster's file: a worker reads that when an operation begins. What the changes leave out is as it was at first.
func Divide(t testing.TB, changes map[string]any) (ofEnvironment map[string]any) {
	t.Helper()
	ofEnvironment = map[string]any{}
	name, gateway, kubeconfig := "default", map[string]any{}, ""
	for path, value := range changes {
		field, isGateway := strings.CutPrefix(path, "gateway.")
		switch {
		case isGateway:
			gateway[field] = value
		case path == "cluster.kubeconfig":
			name, kubeconfig = Other, value.(string)
			ofEnvironment["cluster"] = name
		default:
			ofEnvironment[path] = value
		}
	}
	file := clusterFile(t, name)
	if kubeconfig != "" {
		file["kubeconfig"] = kubeconfig
	}
	for path, value := range gateway {
		if err := unstructured.SetNestedField(file, value, append([]string{"gateway"}, strings.Split(path, ".")...)...); err != nil {
			t.Fatal(err)
		}
	}
	clusters.Lock()
	defer clusters.Unlock()
	if clusters.users > 0 {
		write(t, name, file)
	}
	return ofEnvironment
}

// clusterFile is the cluster of the tests, by that name. All are served on one task queue.
func clusterFile(t testing.TB, name string) map[string]any {
	t.Helper()
	file := map[string]any{"apiVersion": "lockstep/v1", "kind": "Cluster"}
	if given := os.Getenv(clusterVar); given != "" && os.Getenv(kubeconfigVar) != "" {
		text, err := os.ReadFile(given)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
	}
	file["name"], file["taskQueue"] = name, "lockstep"
	return file
}

// write replaces a cluster's file at once, if it says something else.
func write(t testing.TB, name string, file map[string]any) {
	t.Helper()
	text, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(clusters.folder, name+".yaml")
	if was, err := os.ReadFile(path); err == nil && string(was) == string(text) {
		return
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
