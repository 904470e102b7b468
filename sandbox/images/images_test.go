package images_test

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/sandbox/images"
)

func TestPushFillsARegistryOnce(t *testing.T) {
	var writes atomic.Int64
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes.Add(1)
		}
		real.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")

	if err := images.Push(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	digests := digestMap(t, host)
	writes.Store(0)
	if err := images.Push(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	if writes.Load() != 0 {
		t.Errorf("the second push wrote %d times", writes.Load())
	}
	other := serve(t)
	if err := images.Push(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(digests, digestMap(t, other)); diff != "" {
		t.Errorf("two builds differ:\n%s", diff)
	}
	t.Run("identity server", func(t *testing.T) { checkIdentityServer(t, host) })
	t.Run("api manager", func(t *testing.T) { checkAPIManager(t, host) })
}

// serve is an empty registry.
func serve(t *testing.T) (host string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func digestMap(t *testing.T, host string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, image := range images.All() {
		found, err := remote.Head(tag(t, host, image))
		if err != nil {
			t.Fatal(err)
		}
		all[image] = found.Digest.String()
	}
	return all
}

func tag(t *testing.T, host, image string) name.Reference {
	t.Helper()
	reference, err := name.ParseReference(host+"/"+image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

func checkIdentityServer(t *testing.T, host string) {
	index, err := remote.Index(tag(t, host, "wso2/wso2is:7.2.0"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, child := range manifest.Manifests {
		platforms = append(platforms, child.Platform.String())
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Errorf("platforms:\n%s", diff)
	}
	image, err := index.Image(manifest.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	config := configOf(t, image)
	if config.Config.Labels[images.ProgramLabel] != "wso2is" || config.Config.User != "wso2carbon" || config.Architecture != "arm64" {
		t.Errorf("config %+v", config)
	}
	if !strings.Contains(strings.Join(config.Config.Env, " "), "WSO2_SERVER_HOME=/home/wso2carbon/wso2is-7.2.0") {
		t.Errorf("environment %v", config.Config.Env)
	}
	files := entries(t, image)
	for path, owner := range map[string]int{
		"home/wso2carbon/wso2is-7.2.0/repository/components/dropins/": 802,
		"home/wso2carbon/docker-entrypoint.sh":                        802,
		"etc/passwd":                                                  0,
	} {
		if header := files[path]; header == nil || header.Uid != owner || header.Gid != owner {
			t.Errorf("%s: %+v, want owner %d", path, header, owner)
		}
	}
}

func checkAPIManager(t *testing.T, host string) {
	image, err := remote.Image(tag(t, host, "wso2/wso2am:4.7.0"))
	if err != nil {
		t.Fatal(err)
	}
	files := entries(t, image)
	for _, path := range []string{"home/wso2carbon/wso2am-4.7.0/repository/database/WSO2CARBON_DB.mv.db", "home/wso2carbon/solr/database/"} {
		if header := files[path]; header == nil || header.Uid != 10001 {
			t.Errorf("%s: %+v", path, header)
		}
	}
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// entries lists the files of an image.
func entries(t *testing.T, image v1.Image) map[string]*tar.Header {
	t.Helper()
	content := mutate.Extract(image)
	defer content.Close()
	all := map[string]*tar.Header{}
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(header.Name, "/")
		if header.Typeflag == tar.TypeDir {
			name += "/"
		}
		all[name] = header
	}
}
