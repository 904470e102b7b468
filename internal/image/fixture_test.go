package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"lockstep/config"
	"lockstep/config/mirror"
)

// testRegistry is go-containerregistry's, made stricter: a blob belongs to the repositories it was pushed to or
// mounted into. It counts what is written and can be made to fail.
type testRegistry struct {
	*httptest.Server
	inner http.Handler

	mu      sync.Mutex
	blobs   map[string]bool // repository@digest
	uploads int             // blobs sent
	mounts  int
	puts    int // manifests written
	cancels int
	fault   func(http.ResponseWriter, *http.Request) bool // true: answered
}

func newRegistry(t *testing.T) *testRegistry {
	t.Helper()
	r := &testRegistry{inner: registry.New(registry.Logger(log.New(io.Discard, "", 0))), blobs: map[string]bool{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *testRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	fault := r.fault
	r.mu.Unlock()
	if fault != nil && fault(w, req) {
		return
	}
	repo, rest, isBlob := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v2/"), "/blobs/")
	query := req.URL.Query()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case isBlob && req.Method == http.MethodHead && !r.blobs[repo+"@"+rest]:
		http.NotFound(w, req)
		return
	case isBlob && req.Method == http.MethodPost && r.blobs[query.Get("from")+"@"+query.Get("mount")]:
		r.mounts++
		r.blobs[repo+"@"+query.Get("mount")] = true
		w.WriteHeader(http.StatusCreated)
		return
	case isBlob && req.Method == http.MethodPut:
		r.uploads++
		r.blobs[repo+"@"+query.Get("digest")] = true
	case isBlob && req.Method == http.MethodDelete:
		r.cancels++
		w.WriteHeader(http.StatusNoContent)
		return
	case req.Method == http.MethodPut:
		r.puts++
	}
	r.inner.ServeHTTP(w, req)
}

func (r *testRegistry) failWith(fault func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// counts gives what was written since the last call.
func (r *testRegistry) counts() (uploads, mounts, puts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	uploads, mounts, puts = r.uploads, r.mounts, r.puts
	r.uploads, r.mounts, r.puts = 0, 0, 0
	return uploads, mounts, puts
}

func (r *testRegistry) host() string { return strings.TrimPrefix(r.URL, "http://") }

func (r *testRegistry) ref(t *testing.T, path string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(r.host()+"/"+path, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (r *testRegistry) push(t *testing.T, path string, image remote.Taggable) {
	t.Helper()
	if err := remote.Push(r.ref(t, path), image); err != nil {
		t.Fatal(err)
	}
	r.counts()
}

func (r *testRegistry) pull(t *testing.T, path string) v1.Image {
	t.Helper()
	image, err := remote.Image(r.ref(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

const testHome = "/home/wso2carbon/wso2is-7.2.0"

// server is an image as WSO2's: an operating system and the product, each a layer.
func server(t *testing.T, arch, user string, env ...string) v1.Image {
	t.Helper()
	system := tarLayer(t, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\nwso2carbon:x:802:803::/home/wso2carbon:/bin/sh\n",
		"etc/group":  "root:x:0:\nwso2:x:804:\n",
		"arch":       arch,
	})
	product := tarLayer(t, map[string]string{"home/wso2carbon/wso2is-7.2.0/repository/components/dropins/README": arch})
	image, err := mutate.AppendLayers(empty.Image, system, product)
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{OS: "linux", Architecture: arch, RootFS: mustConfig(t, image).RootFS,
		Config: v1.Config{User: user, Env: append([]string{"PATH=/bin"}, env...), Entrypoint: []string{"/entrypoint.sh"}}})
	if err != nil {
		t.Fatal(err)
	}
	return mutate.MediaType(image, types.OCIManifestSchema1)
}

func platformIndex(t *testing.T, images ...v1.Image) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image,
			Descriptor: v1.Descriptor{Platform: mustConfig(t, image).Platform()}})
	}
	attestation, err := mutate.AppendLayers(empty.Image, static.NewLayer([]byte("{}"), "application/vnd.in-toto+json"))
	if err != nil {
		t.Fatal(err)
	}
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
		Platform:    &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}})
}

func mustConfig(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func tarLayer(t *testing.T, files map[string]string) v1.Layer {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for path, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

const jar = "PK\x03\x04 a bundle"

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// maven serves handler.jar, and counts.
type maven struct {
	*httptest.Server
	mu      sync.Mutex
	fetched int
	answer  http.HandlerFunc
}

func newMaven(t *testing.T) *maven {
	t.Helper()
	m := &maven{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.fetched++
		answer := m.answer
		m.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "/handler.jar") {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, jar)
	}))
	t.Cleanup(m.Close)
	return m
}

// world is a registry with a base, a repository with the handler, and a Builder that reaches both by mirrors.
type world struct {
	registry *testRegistry
	maven    *maven
	builder  *Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{registry: newRegistry(t), maven: newMaven(t)}
	w.builder = New(Options{HTTP: &http.Client{Transport: &http.Transport{}}, Mirrors: mirror.Map{
		"docker.io": w.registry.URL, "registry.example.com": w.registry.URL, "maven.example.com": w.maven.URL + "/repo"}})
	return w
}

func spec() Spec {
	return Spec{Base: "docker.io/wso2/wso2is:7.2.0", Target: "registry.example.com/team/is-km:1",
		Artifacts: []config.Artifact{{URL: "https://maven.example.com/x/handler.jar", SHA256: sum(jar)}}}
}
