package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"lockstep/deploy/images/publish"
	"lockstep/internal/keystore"
)

var (
	both = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	here = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
)

func TestPlatformsAreListed(t *testing.T) {
	got, err := parsePlatforms("linux/amd64,linux/arm64")
	if diff := cmp.Diff(both, got, cmpopts.IgnoreUnexported(v1.Platform{})); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, wrong := range []string{"", "amd64", "linux/amd64,"} {
		if got, err := parsePlatforms(wrong); err == nil {
			t.Errorf("%q is taken for %v", wrong, got)
		}
	}
}

func TestTheSameCommitGivesTheSameDigestsFromAnyFolder(t *testing.T) {
	output, digests := t.TempDir(), map[string]bool{}
	for range 2 { // the second time over the first
		built(t, options{dir: checkout(t), programs: []program{{"probe", "."}}, platforms: both, output: output})
		data, err := os.ReadFile(filepath.Join(output, "probe", "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		digests[string(data)] = true
	}
	if len(digests) != 1 {
		t.Errorf("two builds differ: %v", digests)
	}
	index, err := layout.ImageIndexFromPath(filepath.Join(output, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var held []string
	for _, m := range manifest.Manifests {
		held = append(held, m.ArtifactType+m.Annotations["org.opencontainers.image.ref.name"])
	}
	if diff := cmp.Diff([]string{"v1.2.0", "application/spdx+json", "application/spdx+json"}, held); diff != "" {
		t.Errorf("the layout does not hold images and bills of materials (-want +got):\n%s", diff)
	}
}

func TestAnImageHoldsAllThatAStaticProgramNeeds(t *testing.T) {
	o := options{dir: checkout(t), programs: []program{{"probe", "."}}, platforms: []v1.Platform{here}, output: t.TempDir()}
	built(t, o)
	image := archived(t, o, "probe", "v1.2.0")
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if user := config.Config.User; user != "65532:65532" {
		t.Errorf("it runs as %s", user)
	}
	if labels := config.Config.Labels; labels["org.opencontainers.image.version"] != "v1.2.0" || len(labels["org.opencontainers.image.revision"]) != 40 {
		t.Errorf("labels %v", labels)
	}
	for _, user := range []uint32{65532, 1000} { // its own, and one that may read somebody's kubeconfig
		var found map[string]any
		if err := json.Unmarshal(runIn(t, image, user), &found); err != nil {
			t.Fatal(err)
		}
		delete(found, "name")
		want := map[string]any{"uid": float64(user), "roots": float64(len(keystore.PublicRoots())), "zone": "Europe/Berlin", "cache": true, "tmp": true, "own": false}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("as user %d (-want +got):\n%s", user, diff)
		}
	}
	if out := runIn(t, image, 65532, "SSL_CERT_FILE=/etc/passwd"); !bytes.Contains(out, []byte(`"roots":0`)) {
		t.Errorf("SSL_CERT_FILE adds to the public CAs instead of replacing them: %s", out)
	}
}

func TestWhatIsPushedCanBePulledWithItsBillsOfMaterials(t *testing.T) {
	for support, options := range map[string][]registry.Option{
		"a registry that lists referrers": {registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))},
		"an older registry":               {registry.Logger(log.New(io.Discard, "", 0))},
	} {
		t.Run(support, func(t *testing.T) { pushAndPull(t, options...) })
	}
}

func pushAndPull(t *testing.T, of ...registry.Option) {
	server := httptest.NewServer(registry.New(of...))
	defer server.Close()
	o := options{dir: checkout(t), programs: []program{{"probe", "."}}, platforms: both, output: t.TempDir(),
		registry: strings.TrimPrefix(server.URL, "http://") + "/lockstep", version: "v9"}
	said := built(t, o)
	tag, err := name.NewTag(o.registry + "/probe:v9")
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("what was pulled is not whole: %v", err)
	}
	digest, _ := index.Digest()
	if want := "pushed " + tag.Context().Digest(digest.String()).String(); !strings.Contains(said, want) {
		t.Errorf("it said %q, not %q", said, want)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, image := range manifest.Manifests {
		platforms = append(platforms, image.Platform.String())
		billOfMaterials(t, tag.Context().Digest(image.Digest.String()), image.Digest)
	}
	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms %v", platforms)
	}
}

// billOfMaterials wants one for the image, found as scanners find it.
func billOfMaterials(t *testing.T, of name.Digest, image v1.Hash) {
	t.Helper()
	referrers, err := remote.Referrers(of)
	if err != nil {
		t.Fatal(err)
	}
	list, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Manifests) != 1 {
		t.Fatalf("%d bills of materials for %s", len(list.Manifests), of)
	}
	artifact, err := remote.Image(of.Context().Digest(list.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	// The registry of these tests lists the config's type, as was done before OCI 1.1.
	if manifest, err := artifact.Manifest(); err != nil || manifest.ArtifactType != "application/spdx+json" {
		t.Errorf("the referrer has type %q: %v", manifest.ArtifactType, err)
	}
	layers, err := artifact.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(image.Hex)) || !bytes.Contains(data, []byte(`"SPDX-2.3"`)) {
		t.Errorf("a bill of materials of something else: %.300s", data)
	}
}

func TestStrayFilesShowInTheVersionAndNotInTheProgram(t *testing.T) {
	o := options{dir: checkout(t), programs: []program{{"probe", "."}}, platforms: []v1.Platform{here}, output: t.TempDir()}
	if err := os.WriteFile(filepath.Join(o.dir, "stray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := built(t, o); !strings.Contains(said, publish.Local("probe", "v1.2.0-dirty")) || !strings.Contains(said, "stray files") {
		t.Errorf("it said %q", said)
	}
}

func TestTheRealProgramsRunInTheirImages(t *testing.T) {
	o := options{dir: filepath.Join("..", ".."), programs: []program{{"worker", "./worker"}, {"lockstep", "./starter"}},
		platforms: []v1.Platform{here}, output: t.TempDir(), version: "test"}
	built(t, o)
	if out := string(runIn(t, archived(t, o, "worker", "test"), 65532, "--help")); !strings.Contains(out, "Run Lockstep's workflows and activities") {
		t.Errorf("worker --help: %s", out)
	}
	if out := string(runIn(t, archived(t, o, "lockstep", "test"), 65532, "version")); !strings.Contains(out, runtime.Version()) {
		t.Errorf("lockstep version: %s", out)
	}
}
