package image

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifests, configurations and docker configs come from registries and Secrets of others.

func FuzzARegistryCanAnswerAnything(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}`), true)
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`), false)
	f.Add([]byte(`{}`), false)
	f.Fuzz(func(t *testing.T, manifest []byte, index bool) {
		kind := types.OCIManifestSchema1
		if index {
			kind = types.OCIImageIndex
		}
		answer := roundTripper(func(r *http.Request) (*http.Response, error) {
			body := manifest
			if r.URL.Path == "/v2/" {
				body = nil
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {string(kind)}}, Request: r,
				ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}, nil
		})
		b := New(Options{HTTP: &http.Client{Transport: answer}})
		_, _ = b.resolve(context.Background(), Spec{Base: "registry.test/is:1"}, func(string) {})
	})
}

func FuzzADockerConfigNeverPanics(f *testing.F) {
	f.Add([]byte(`{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYXNz"},"registry.test/a":{"username":"u","password":"p"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if keychain, err := DockerConfigKeychain(context.Background(), text); err == nil {
			b := New(Options{Keychain: keychain})
			if p, err := b.open("image.base", "registry.test/a/b:1", nil); err == nil {
				_, _ = p.auth.Resolve(p.repo)
			}
		}
	})
}
