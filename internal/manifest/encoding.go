package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"lockstep/internal/failure"
)

// Decode reads the objects of a manifest in order. Documents without content are left out.
func Decode(manifest []byte) ([]*unstructured.Unstructured, error) {
	reader := kubeyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, failure.Final(failure.InvalidConfig, "reading manifest: %w", err)
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
		return nil, failure.Final(failure.InvalidConfig, "reading manifest: %w", err)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil, nil
	}
	object := &unstructured.Unstructured{}
	// Not json.Unmarshal: this one keeps whole numbers whole, as the helpers of unstructured expect.
	if err := object.UnmarshalJSON(data); err != nil {
		return nil, failure.Final(failure.InvalidConfig, "reading manifest: %w", err)
	}
	return object, nil
}

// Encode writes the objects in order, keys sorted.
func Encode(objects []*unstructured.Unstructured) ([]byte, error) {
	var manifest bytes.Buffer
	for _, object := range objects {
		document, err := yaml.Marshal(object.Object)
		if err != nil {
			return nil, failure.Final(failure.InvalidConfig, "writing manifest: %w", err)
		}
		manifest.WriteString("---\n")
		manifest.Write(document)
	}
	return manifest.Bytes(), nil
}
