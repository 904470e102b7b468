package registry

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Media types of a chart in an OCI registry, as Helm writes them.
const (
	helmConfig types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	helmLayer  types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// PushChart pushes a chart archive as Helm does: to repository with the chart's version as tag. The registry is spoken
// to without TLS.
func PushChart(ctx context.Context, repository string, tgz []byte) error {
	chart, err := ReadChart(tgz)
	if err != nil {
		return err
	}
	ref, err := name.NewTag(fmt.Sprintf("%s:%s", repository, chart["version"]), name.Insecure)
	if err != nil {
		return fmt.Errorf("naming chart: %w", err)
	}
	config, err := json.Marshal(chart)
	if err != nil {
		return fmt.Errorf("encoding chart metadata: %w", err)
	}
	image, err := mutate.Append(
		mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		mutate.Addendum{Layer: static.NewLayer(tgz, helmLayer), MediaType: helmLayer},
	)
	if err != nil {
		return fmt.Errorf("making chart artifact: %w", err)
	}
	if err := remote.Write(ref, artifact{Image: image, config: config}, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("pushing chart %s: %w", ref, err)
	}
	return nil
}
