package testbed

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Name and namespace of the environment in examples/quickstart.yaml.
const (
	Name      = "quickstart"
	Namespace = "apim"
	// Second is the namespace of another environment beside it.
	Second = "apim-second"
	// Beside is name and namespace of another environment that uses the same gateway.
	Beside = "beside"
)

// Environment is the environment that tests deploy: that of examples/quickstart.yaml, or on another cluster that of the file that
// LOCKSTEP_TEST_ENVIRONMENT names.
func Environment(t testing.TB) map[string]any {
	t.Helper()
	path := filepath.Join("..", "..", "examples", "quickstart.yaml")
	if given := os.Getenv(environmentVar); given != "" && os.Getenv(kubeconfigVar) != "" {
		path = given
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]any{}
	if err := yaml.Unmarshal(text, &env); err != nil {
		t.Fatal(err)
	}
	if env["name"] != Name || env["namespace"] != Namespace {
		t.Fatalf("%s has to be of environment %s in namespace %s", path, Name, Namespace)
	}
	return env
}

// Target is the image that Lockstep builds for the environment.
func Target(t testing.TB) string {
	t.Helper()
	target, _, _ := unstructured.NestedString(Environment(t), "image", "target")
	return target
}
