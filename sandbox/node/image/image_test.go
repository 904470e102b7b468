package image

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestImagesAreFoundByTagAndDigestWhateverTheirHost(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	first := pushImage(t, address+"/wso2/wso2is:7.2.0", "first")
	store := NewStore(t.TempDir(), address)

	if _, ok := store.Local("wso2/wso2is:7.2.0"); ok {
		t.Error("an image is there before its pull")
	}
	for _, reference := range []string{"wso2/wso2is:7.2.0", "docker.io/wso2/wso2is:7.2.0", "registry.example.com:5000/wso2/wso2is@" + first} {
		pulled, err := store.Pull(t.Context(), reference)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(pulled.ID, "/wso2/wso2is@"+first) || pulled.Program != "wso2is" {
			t.Errorf("%s: got %+v", reference, pulled)
		}
		if content, err := os.ReadFile(filepath.Join(pulled.Rootfs, "etc/release")); err != nil || string(content) != "first" {
			t.Errorf("%s: content %q, %v", reference, content, err)
		}
	}

	second := pushImage(t, address+"/wso2/wso2is:7.2.0", "second")
	kept, ok := NewStore(store.dir, address).Local("wso2/wso2is:7.2.0")
	if !ok || !strings.HasSuffix(kept.ID, first) {
		t.Errorf("the tag moved: the node has %s (%v), want the first image, also after a restart", kept.ID, ok)
	}
	pulled, err := store.Pull(t.Context(), "wso2/wso2is:7.2.0")
	if err != nil || !strings.HasSuffix(pulled.ID, second) {
		t.Errorf("pulled again: got %s, %v, want the second image", pulled.ID, err)
	}
	if _, err := store.Pull(t.Context(), "wso2/wso2is:7.3.0"); err == nil || !strings.HasSuffix(err.Error(), "wso2/wso2is:7.3.0: not found") {
		t.Errorf("a missing image: %v", err)
	}
}

func pushImage(t *testing.T, reference, content string) (digest string) {
	t.Helper()
	ref, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	files, err := crane.Image(map[string][]byte{"etc/release": []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.Config(files, v1.Config{Labels: map[string]string{ProgramLabel: "wso2is"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}
