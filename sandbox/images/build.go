package images

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// spec describes one simulated image.
type spec struct {
	name      string // repository:tag
	program   string // see ProgramLabel
	real      string // see RealLabel
	product   string // for people
	oci       bool   // OCI media types; otherwise Docker's
	platforms []string
	layers    func(platform string) [][]file
	config    v1.Config
}

// index makes the multi-platform index.
func (s spec) index() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range s.platforms {
		image, err := s.image(p)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform(p)}})
	}
	return index, nil
}

// image makes the image for one platform.
func (s spec) image(p string) (v1.Image, error) {
	manifest, layerType, configType := types.DockerManifestSchema2, types.DockerLayer, types.DockerConfigJSON
	if s.oci {
		manifest, layerType, configType = types.OCIManifestSchema1, types.OCILayer, types.OCIConfigJSON
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, manifest), configType)
	var history []mutate.Addendum
	for i, files := range s.layers(p) {
		made, err := layer(files, layerType)
		if err != nil {
			return nil, fmt.Errorf("making layer %d for %s: %w", i, p, err)
		}
		history = append(history, mutate.Addendum{
			Layer:     made,
			MediaType: layerType,
			History:   v1.History{Created: v1.Time{Time: created()}, CreatedBy: "simulated by the Lockstep sandbox"},
		})
	}
	image, err := mutate.Append(image, history...)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = platform(p).OS, platform(p).Architecture
	file.Created = v1.Time{Time: created()}
	file.Config = s.config
	file.Config.Labels = map[string]string{
		ProgramLabel:                           s.program,
		"org.opencontainers.image.title":       s.product + " (simulated)",
		"org.opencontainers.image.description": "Simulated " + s.product + " of the Lockstep sandbox; holds none of the product.",
		"org.opencontainers.image.vendor":      "Lockstep sandbox",
	}
	if s.real != "" {
		file.Config.Labels[RealLabel] = s.real
	}
	return mutate.ConfigFile(image, file)
}
