package release

import (
	"bytes"
	"io"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/manifest"
)

// buildKnown reads a manifest without the objects of kinds that the cluster does not know: with a kind, all its
// objects are gone. It names what it left out.
func buildKnown(text []byte, build func(io.Reader, bool) (kube.ResourceList, error)) (known kube.ResourceList, gone []string, err error) {
	if known, err = build(bytes.NewReader(text), false); err == nil || !noMatch(err, err.Error()) {
		return known, nil, err
	}
	objects, err := manifest.Decode(text)
	if err != nil {
		return nil, nil, err
	}
	known = nil
	for _, object := range objects {
		document, err := manifest.Encode([]*unstructured.Unstructured{object})
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
