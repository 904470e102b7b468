package image

import (
	"fmt"
	"maps"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Labels of a built image: the first two are those of the OCI image specification, the others are ours.
const (
	labelBaseName   = "org.opencontainers.image.base.name"
	labelBaseDigest = "org.opencontainers.image.base.digest"
	labelBuilder    = "dev.lockstep.builder"
	labelArtifacts  = "dev.lockstep.artifacts" // a JSON object: address, or address#path, to SHA-256
)

// assembled is an image or an index, ready to be pushed.
type assembled interface {
	remote.Taggable
	partial.Describable
}

// assemble adds the files to every platform's image. It is a function of its input: nothing is fetched but manifests
// and configurations, which the base has read already.
func assemble(from *base, layouts []layout, files []artifact, record string) (assembled, error) {
	var images []v1.Image
	for i, image := range from.images {
		built, err := extend(from, image, layouts[i], files, record)
		if err != nil {
			return nil, fmt.Errorf("adding files to %s (%s): %w", from.name, platformText(image.platform), err)
		}
		images = append(images, built)
	}
	if !from.index {
		return images[0], nil
	}
	index := mutate.IndexMediaType(empty.Index, from.mediaType)
	for i, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: from.images[i].platform},
		})
	}
	return index, nil
}

func extend(from *base, image platformImage, l layout, files []artifact, record string) (v1.Image, error) {
	mediaType, err := image.image.MediaType()
	if err != nil {
		return nil, err
	}
	layer, err := newLayer(files, l, layerType(mediaType))
	if err != nil {
		return nil, err
	}
	extended, err := mutate.Append(image.image, mutate.Addendum{Layer: layer, History: v1.History{
		Created: image.config.Created, CreatedBy: "lockstep: added " + strings.Join(paths(files), ", "),
	}})
	if err != nil {
		return nil, err
	}
	config, err := extended.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	labels := maps.Clone(config.Config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelBaseName], labels[labelBaseDigest], labels[labelBuilder] = from.name, from.digest.String(), "lockstep"
	if record != "" {
		labels[labelArtifacts] = record
	}
	config.Config.Labels = labels
	return mutate.ConfigFile(extended, config)
}

// layerType is the type of a gzip layer in the base's own format.
func layerType(image types.MediaType) types.MediaType {
	if image == types.DockerManifestSchema2 {
		return types.DockerLayer
	}
	return types.OCILayer
}

func paths(files []artifact) []string {
	var out []string
	for _, file := range files {
		out = append(out, file.path)
	}
	return out
}
