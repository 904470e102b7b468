package inventory

import (
	"bytes"
	"io"
	"strings"

	"helm.sh/helm/v3/pkg/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/manifest"
)

// Builder reads the objects of a manifest, as [kube.Client.Build] does.
type Builder func(manifest io.Reader, validate bool) (kube.ResourceList, error)

// Known reads a manifest without the objects of kinds that the cluster does not know: with a kind, all its objects are
// gone. It names what it left out.
func Known(text []byte, build Builder) (known kube.ResourceList, gone []string, err error) {
	if known, err = build(bytes.NewReader(text), false); err == nil || !IsUnknownKind(err) {
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
		case IsUnknownKind(err):
			gone = append(gone, object.GetKind()+" "+object.GetName())
		default:
			return nil, nil, err
		}
	}
	return known, gone, nil
}

// IsUnknownKind says whether the cluster does not know a kind. Helm turns some causes into text.
func IsUnknownKind(err error) bool {
	return err != nil && (meta.IsNoMatchError(err) || strings.Contains(err.Error(), "no matches for kind"))
}
