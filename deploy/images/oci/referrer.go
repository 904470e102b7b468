package oci

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// emptyType is the config of manifests that are not images.
const emptyType types.MediaType = "application/vnd.oci.empty.v1+json"

// Referrer makes a manifest with one blob of the type, which belongs to the subject: registries list it for the subject's digest
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage).
func Referrer(subject v1.Image, mediaType string, blob []byte, annotations map[string]string) (v1.Image, error) {
	of, err := partial.Descriptor(subject)
	if err != nil {
		return nil, fmt.Errorf("describing the image that a referrer belongs to: %w", err)
	}
	content, config := static.NewLayer(blob, types.MediaType(mediaType)), static.NewLayer([]byte("{}"), emptyType)
	layerDescriptor, err := partial.Descriptor(content)
	if err != nil {
		return nil, err
	}
	configDescriptor, err := partial.Descriptor(config)
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: mediaType,
		Config: *configDescriptor, Layers: []v1.Descriptor{*layerDescriptor}, Annotations: annotations,
		Subject: &v1.Descriptor{MediaType: of.MediaType, Size: of.Size, Digest: of.Digest},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(referrer{manifest: manifest, content: content})
}

// referrer is a manifest as it is to be, which mutate could not make: it would write an image's config.
type referrer struct {
	manifest []byte
	content  v1.Layer
}

func (r referrer) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (r referrer) RawManifest() ([]byte, error)        { return r.manifest, nil }
func (r referrer) RawConfigFile() ([]byte, error)      { return []byte("{}"), nil }

func (r referrer) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	if known, err := r.content.Digest(); err != nil || known != digest {
		return nil, fmt.Errorf("no blob %s in this referrer", digest)
	}
	return r.content, nil
}
