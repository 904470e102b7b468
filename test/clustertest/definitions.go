package clustertest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"lockstep/internal/cluster"
	"lockstep/sandbox/sandboxtest"
)

// Widgets is a small CustomResourceDefinition.
const Widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// Parse reads an object.
func Parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// GatewayChart is the folder of Envoy Gateway's chart of a release, as "1.9".
func GatewayChart(t *testing.T, release string) string {
	t.Helper()
	folder := filepath.Join(sandboxtest.Bin(t), "charts", "gateway-helm-"+release)
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no gateway chart in bin/; run `make tools`")
	}
	return folder
}

// GatewayCRDs are those of Gateway API and Envoy Gateway that the chart of a release brings, as "1.9".
func GatewayCRDs(t *testing.T, release string) []*unstructured.Unstructured {
	t.Helper()
	chart := GatewayChart(t, release)
	var paths []string
	for _, folder := range []string{"crds", "charts/crds/crds"} {
		some, _ := filepath.Glob(filepath.Join(chart, folder, "generated", "*.yaml"))
		more, _ := filepath.Glob(filepath.Join(chart, folder, "*.yaml"))
		paths = append(append(paths, some...), more...)
	}
	var crds []*unstructured.Unstructured
	for _, path := range paths {
		crds = append(crds, parseAll(t, path)...)
	}
	return crds
}

// GatewayPolicy is the policy of Gateway API, with its binding, that refuses older and experimental CRDs, as the chart v1.9 brings it.
func GatewayPolicy(t *testing.T) (objects []*unstructured.Unstructured) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(GatewayChart(t, "1.9"), "charts", "crds", "templates", "gatewayapi-safe-upgrade-policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range strings.Split(string(text), "\n---\n")[1:] {
		document, _, _ = strings.Cut(document, "\n{{")
		objects = append(objects, Parse(t, document))
	}
	return objects
}

func parseAll(t *testing.T, path string) (objects []*unstructured.Unstructured) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// RefsOf names objects.
func RefsOf(objects []*unstructured.Unstructured) []cluster.Ref {
	var refs []cluster.Ref
	for _, obj := range objects {
		refs = append(refs, cluster.RefOf(obj))
	}
	return refs
}
