package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"lockstep/config"
	"lockstep/internal/failure"
)

func TestASingleImageGetsTheFileAsItsOwnUser(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802:802", "WSO2_SERVER_HOME="+testHome))
	built := mustBuild(t, w, spec())

	if built.Home != testHome || built.Version != "7.2.0" || built.User != "802:802" || !built.Pushed {
		t.Errorf("built %+v", built)
	}
	if want := "registry.example.com/team/is-km@" + built.Digest; built.Reference != want {
		t.Errorf("reference %s, want %s", built.Reference, want)
	}
	image := w.registry.pull(t, "team/is-km:1")
	want := []string{"home/wso2carbon/wso2is-7.2.0/repository/components/dropins/handler.jar 802:802 644 0"}
	if diff := cmp.Diff(want, entries(t, image, 2)); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
	got := mustConfig(t, image).Config
	if got.Entrypoint[0] != "/entrypoint.sh" || got.User != "802:802" || got.Labels[labelBaseName] != "docker.io/wso2/wso2is:7.2.0" {
		t.Errorf("configuration %+v", got)
	}
	if !mustConfig(t, image).Created.IsZero() {
		t.Error("the creation time is not the base's")
	}
}

func TestLayersOfTheBaseAreMountedAndOnlyTheNewOnesSent(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	mustBuild(t, w, spec())
	if uploads, mounts, _ := w.registry.counts(); uploads != 2 || mounts != 2 { // sent: the layer and the configuration
		t.Errorf("%d blobs sent, want 2; %d mounted, want 2", uploads, mounts)
	}
}

func TestASecondBuildWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", platformIndex(t,
		server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome), server(t, "arm64", "802", "WSO2_SERVER_HOME="+testHome)))
	first := mustBuild(t, w, spec())
	w.registry.counts()
	second := mustBuild(t, w, spec())
	first.Pushed = false
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("second build (-first +second):\n%s", diff)
	}
	if uploads, mounts, puts := w.registry.counts(); uploads+mounts+puts != 0 {
		t.Errorf("%d blobs, %d mounts, %d manifests written", uploads, mounts, puts)
	}
}

func TestAKnownDigestUnderAnotherTagIsOnlyTagged(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	first := mustBuild(t, w, spec())
	w.registry.counts()
	other := spec()
	other.Target = "registry.example.com/team/is-km:2"
	second := mustBuild(t, w, other)
	if second.Digest != first.Digest || second.Pushed {
		t.Errorf("built %+v", second)
	}
	if uploads, mounts, puts := w.registry.counts(); uploads+mounts != 0 || puts != 1 {
		t.Errorf("%d blobs, %d mounts, %d manifests", uploads, mounts, puts)
	}
}

func TestEveryPlatformOfAnIndexIsExtendedAndAttestationsDrop(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", platformIndex(t,
		server(t, "amd64", "wso2carbon", "WSO2_SERVER_HOME="+testHome), server(t, "arm64", "802:802", "WSO2_SERVER_HOME="+testHome)))
	built := mustBuild(t, w, spec())
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, built.Platforms); diff != "" {
		t.Error(diff)
	}
	index, err := remote.Index(w.registry.ref(t, "team/is-km:1"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 {
		t.Fatalf("%d manifests", len(manifest.Manifests))
	}
	for i, owner := range []string{" 802:803 ", " 802:802 "} {
		image, err := index.Image(manifest.Manifests[i].Digest)
		if err != nil {
			t.Fatal(err)
		}
		if got := entries(t, image, 2); !strings.Contains(got[0], owner) {
			t.Errorf("platform %d: %s, want owner %s", i, got, owner)
		}
	}
}

func TestPlatformsCanBeLimited(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", platformIndex(t,
		server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome), server(t, "arm64", "802", "WSO2_SERVER_HOME="+testHome)))
	s := spec()
	s.Platforms = []string{"linux/arm64"}
	if built := mustBuild(t, w, s); !cmp.Equal(built.Platforms, s.Platforms) {
		t.Errorf("built for %v", built.Platforms)
	}
	s.Platforms = []string{"linux/s390x"}
	_, err := w.builder.Build(context.Background(), s, nil)
	if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), "only linux/amd64, linux/arm64") {
		t.Errorf("got %v", err)
	}
}

func TestTheUserIsResolvedFromTheImage(t *testing.T) {
	tests := map[string]struct {
		user string
		want string // owner, or part of the error
	}{
		"nobody named":       {"", "0:0"},
		"number":             {"802", "802:802"},
		"numbers":            {"10001:10002", "10001:10002"},
		"name":               {"wso2carbon", "802:803"},
		"names":              {"wso2carbon:wso2", "802:804"},
		"name and number":    {"wso2carbon:7", "802:7"},
		"number and name":    {"5:wso2", "5:804"},
		"unknown name":       {"somebody", `user "somebody" is not in the image's /etc/passwd`},
		"unknown group name": {"802:nobody", `group "nobody" is not in the image's /etc/group`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", tt.user, "WSO2_SERVER_HOME="+testHome))
			_, err := w.builder.Build(context.Background(), spec(), nil)
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) || !failure.Is(err, failure.InvalidConfig) {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				return
			}
			if got := entries(t, w.registry.pull(t, "team/is-km:1"), 2); !strings.Contains(got[0], " "+tt.want+" ") {
				t.Errorf("layer %v, want owner %s", got, tt.want)
			}
		})
	}
}

func TestWithoutTheVariableTheHomeIsFoundInTheLayers(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802"))
	if built := mustBuild(t, w, spec()); built.Home != testHome {
		t.Errorf("home %s", built.Home)
	}
}

func TestAnotherProductIsRefused(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME=/home/wso2carbon/wso2am-4.7.0"))
	_, err := w.builder.Build(context.Background(), spec(), nil)
	if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), "wso2am-4.7.0") {
		t.Errorf("got %v", err)
	}
}

func TestFoldersThatAServerLacksAreAddedWithItsOwner(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	s := spec()
	s.Artifacts[0].Destination = "repository/own/deep/x.jar"
	mustBuild(t, w, s)
	root := "home/wso2carbon/wso2is-7.2.0/repository/own"
	want := []string{root + "/ 802:802 755 0", root + "/deep/ 802:802 755 0", root + "/deep/x.jar 802:802 644 0"}
	if diff := cmp.Diff(want, entries(t, w.registry.pull(t, "team/is-km:1"), 2)); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestAnUploadThatBreaksCanBeRepeated(t *testing.T) {
	w := newWorld(t)
	from := newRegistry(t) // another registry: the layers have to be sent
	w.builder.rule.Mirrors["docker.io"] = from.URL
	from.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	from.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, "/blobs/") || req.Method != http.MethodGet || isConfig(t, from, req) {
			return false
		}
		whole := answer(from, req)
		rw.Header().Set("Content-Length", fmt.Sprint(whole.body.Len()))
		_, _ = io.WriteString(rw, whole.body.String()[:whole.body.Len()/2])
		return true
	})
	_, err := w.builder.Build(context.Background(), spec(), nil)
	if !failure.Is(err, failure.Unavailable) || !strings.Contains(err.Error(), "reaches docker.io and registry.example.com") {
		t.Fatalf("got %v", err)
	}
	from.failWith(nil)
	if built := mustBuild(t, w, spec()); !built.Pushed {
		t.Error("nothing was pushed")
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	deny := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true }
	}
	tests := map[string]struct {
		change func(*world, *Spec)
		kind   failure.Kind
		text   string
	}{
		"no credentials": {func(w *world, _ *Spec) { w.registry.failWith(deny(401)) }, failure.Unauthorized, "log the worker in to docker.io"},
		"forbidden":      {func(w *world, _ *Spec) { w.registry.failWith(deny(403)) }, failure.Unauthorized, "image.pullSecret"},
		"no such base":   {func(_ *world, s *Spec) { s.Base = "docker.io/wso2/wso2is:9" }, failure.NotFound, "correct image.base"},
		"plain HTTP unasked for": {func(_ *world, s *Spec) { s.Base = "127.0.0.1:1/wso2/wso2is:7.2.0" }, failure.InvalidConfig,
			"plainHTTP does not list it"},
		"a digest as target": {func(_ *world, s *Spec) { s.Target = "registry.example.com/x@sha256:" + sum("") }, failure.InvalidConfig, "registry/repository:tag"},
		"no reference":       {func(_ *world, s *Spec) { s.Base = "UPPER CASE" }, failure.InvalidConfig, "is no image reference"},
		"leaving the home":   {func(_ *world, s *Spec) { s.Artifacts[0].Destination = "../x" }, failure.InvalidConfig, "leaves it"},
		"two for one place": {func(_ *world, s *Spec) {
			s.Artifacts = append(s.Artifacts, config.Artifact{URL: "https://other.example.com/handler.jar"})
		}, failure.InvalidConfig, "goes to repository/components/dropins/handler.jar, too"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
			s := spec()
			tt.change(w, &s)
			_, err := w.builder.Build(context.Background(), s, nil)
			if failure.KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("got %v, want %v with %q", err, tt.kind, tt.text)
			}
		})
	}
}

func TestPlainHTTPWorksWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome))
	s := spec()
	s.Base, s.PlainHTTP = w.registry.host()+"/wso2/wso2is:7.2.0", []string{w.registry.host()}
	mustBuild(t, w, s)
}

func TestAnEnvironmentCannotSendTheWorkersPasswordInPlainText(t *testing.T) {
	w := newWorld(t)
	other := newRegistry(t)
	config := t.TempDir()
	login := fmt.Sprintf(`{"auths":{%q:{"username":"worker","password":"s3cret"}}}`, other.host())
	if err := os.WriteFile(filepath.Join(config, "config.json"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", config)
	var sent string
	other.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		sent += req.Header.Get("Authorization")
		rw.Header().Set("WWW-Authenticate", "Basic realm=\"test\"")
		rw.WriteHeader(http.StatusUnauthorized)
		return true
	})
	s := spec()
	s.Base, s.PlainHTTP = other.host()+"/wso2/wso2is:7.2.0", []string{other.host()}
	if _, err := w.builder.Build(t.Context(), s, nil); !failure.Is(err, failure.Unauthorized) || sent != "" {
		t.Errorf("it was sent %q: %v", sent, err)
	}
	w.builder.rule.PlainHTTP = s.PlainHTTP // whoever runs the worker says so
	if _, err := w.builder.Build(t.Context(), s, nil); err == nil || sent == "" {
		t.Errorf("it was not sent: %v", err)
	}
}

func TestALargeConfigurationIsNotRead(t *testing.T) {
	w := newWorld(t)
	large := server(t, "amd64", "802", "WSO2_SERVER_HOME="+testHome, "FILL="+strings.Repeat("x", maxConfigSize))
	w.registry.push(t, "wso2/wso2is:7.2.0", large)
	if _, err := w.builder.Build(t.Context(), spec(), nil); !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestLayersAreReadOnceForWhatTheyHold(t *testing.T) {
	w := newWorld(t)
	w.builder.cacheDir = t.TempDir()
	w.registry.push(t, "wso2/wso2is:7.2.0", server(t, "amd64", "wso2carbon", "WSO2_SERVER_HOME="+testHome))
	mustBuild(t, w, spec())
	said := ""
	w.registry.failWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/blobs/") && req.Method == http.MethodGet && !isConfig(t, w.registry, req) {
			rw.WriteHeader(http.StatusTeapot)
			return true
		}
		return false
	})
	if _, err := w.builder.Build(context.Background(), spec(), func(s string) { said += s + "\n" }); err != nil {
		t.Errorf("%v after\n%s", err, said)
	}
}

func mustBuild(t *testing.T, w *world, s Spec) Built {
	t.Helper()
	built, err := w.builder.Build(context.Background(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// entries lists a layer: path, owner, mode, seconds.
func entries(t *testing.T, image v1.Image, layer int) []string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[layer].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var out []string
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %d:%d %o %d", h.Name, h.Uid, h.Gid, h.Mode, h.ModTime.Unix()))
	}
}

// isConfig is true for the request of an image's configuration.
func isConfig(t *testing.T, r *testRegistry, req *http.Request) bool {
	t.Helper()
	return strings.HasPrefix(answer(r, req).body.String(), "{")
}

func answer(r *testRegistry, req *http.Request) *recorder {
	out := &recorder{header: http.Header{}}
	r.inner.ServeHTTP(out, req)
	return out
}

type recorder struct {
	header http.Header
	body   strings.Builder
}

func (r *recorder) Header() http.Header            { return r.header }
func (r *recorder) WriteHeader(int)                {}
func (r *recorder) Write(data []byte) (int, error) { return r.body.Write(data) }
