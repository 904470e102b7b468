package clustertest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
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

// GatewayCRDs are those of Gateway API and Envoy Gateway.
func GatewayCRDs(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	folder := filepath.Join(sandboxtest.Bin(t), "charts", "gateway-helm", "crds")
	paths, _ := filepath.Glob(filepath.Join(folder, "generated", "*.yaml"))
	if len(paths) == 0 {
		t.Skip("no gateway chart in bin/; run `make tools`")
	}
	paths = append(paths, filepath.Join(folder, "gatewayapi-crds.yaml"))
	var crds []*unstructured.Unstructured
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			crd := &unstructured.Unstructured{}
			if err := decoder.Decode(&crd.Object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if len(crd.Object) > 0 {
				crds = append(crds, crd)
			}
		}
	}
	return crds
}

// RefsOf names objects.
func RefsOf(objects []*unstructured.Unstructured) []cluster.Ref {
	var refs []cluster.Ref
	for _, obj := range objects {
		refs = append(refs, cluster.RefOf(obj))
	}
	return refs
}
