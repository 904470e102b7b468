package registry

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
)

// artifact is an image whose config is not an image's.
type artifact struct {
	v1.Image
	config []byte
}

func (a artifact) RawConfigFile() ([]byte, error) { return a.config, nil }

func (a artifact) ConfigName() (v1.Hash, error) { return partial.ConfigName(a) }

func (a artifact) Manifest() (*v1.Manifest, error) {
	m, err := a.Image.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading manifest: %w", err)
	}
	m = m.DeepCopy()
	m.Config.MediaType = helmConfig
	m.Config.Digest, m.Config.Size, err = v1.SHA256(bytes.NewReader(a.config))
	if err != nil {
		return nil, fmt.Errorf("hashing config: %w", err)
	}
	return m, nil
}

func (a artifact) RawManifest() ([]byte, error) {
	m, err := a.Manifest()
	if err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

func (a artifact) Digest() (v1.Hash, error) { return partial.Digest(a) }

func (a artifact) Size() (int64, error) { return partial.Size(a) }
