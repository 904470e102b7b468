package release

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// decode reads the objects of a manifest in order. Documents without content are left out.
func decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading manifest: %w", err)
		}
		object, err := decodeOne(document)
		if err != nil {
			return nil, err
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

func decodeOne(document []byte) (*unstructured.Unstructured, error) {
	data, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil, nil
	}
	object := &unstructured.Unstructured{}
	// Not json.Unmarshal: this one keeps whole numbers whole, as the helpers of unstructured expect.
	if err := object.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	return object, nil
}

// encode writes the objects in order, keys sorted.
func encode(objects []*unstructured.Unstructured) ([]byte, error) {
	var manifest bytes.Buffer
	for _, object := range objects {
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, fmt.Errorf("writing manifest: %w", err)
		}
		manifest.WriteString("---\n")
		manifest.Write(document)
	}
	return manifest.Bytes(), nil
}

// buildKnown reads a manifest without the objects of kinds that the cluster does not know: with a kind, all its
// objects are gone. It names what it left out.
func buildKnown(manifest []byte, build func(io.Reader, bool) (kube.ResourceList, error)) (known kube.ResourceList, gone []string, err error) {
	if known, err = build(bytes.NewReader(manifest), false); err == nil || !noMatch(err, err.Error()) {
		return known, nil, err
	}
	objects, err := decode(manifest)
	if err != nil {
		return nil, nil, err
	}
	known = nil
	for _, object := range objects {
		document, err := encode([]*unstructured.Unstructured{object})
		if err != nil {
			return nil, nil, err
		}
		built, err := build(bytes.NewReader(document), false)
		switch {
		case err == nil:
			known = append(known, built...)
		case noMatch(err, err.Error()):
			gone = append(gone, object.GetKind()+" "+object.GetName())
		default:
			return nil, nil, err
		}
	}
	return known, gone, nil
}

// postRenderer is a [Spec.PostRender] in Helm's terms.
type postRenderer func([]*unstructured.Unstructured) error

// Run mends a rendered manifest.
func (mend postRenderer) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	objects, err := decode(rendered.Bytes())
	if err != nil {
		return nil, err
	}
	if err := mend(objects); err != nil {
		return nil, err
	}
	manifest, err := encode(objects)
	return bytes.NewBuffer(manifest), err
}
