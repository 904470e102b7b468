package release

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
)

// ChartInfo is what a chart says about itself.
type ChartInfo struct {
	Name, Version, AppVersion string
	KubeVersion               string // the Kubernetes versions it is for; empty: any
	Digest                    string // sha256:<hex> of its .tgz, or of a deterministic packing of its folder
}

// Pull resolves a chart and fetches it into the cache.
func (e *Engine) Pull(ctx context.Context, c config.Chart) (ChartInfo, error) {
	got, err := e.fetch(ctx, c)
	if err != nil {
		return ChartInfo{}, err
	}
	return ChartInfo{
		Name:        got.Metadata.Name,
		Version:     got.Metadata.Version,
		AppVersion:  got.Metadata.AppVersion,
		KubeVersion: got.Metadata.KubeVersion,
		Digest:      got.Digest,
	}, nil
}

// CRDs are the objects in the crds folders of a chart and its subcharts, which Apply never touches.
func (e *Engine) CRDs(ctx context.Context, c config.Chart) ([]*unstructured.Unstructured, error) {
	got, err := e.fetch(ctx, c)
	if err != nil {
		return nil, err
	}
	var crds []*unstructured.Unstructured
	for _, file := range got.CRDObjects() {
		objects, err := decode(file.File.Data)
		if err != nil {
			return nil, invalid(err)
		}
		crds = append(crds, objects...)
	}
	return crds, nil
}
