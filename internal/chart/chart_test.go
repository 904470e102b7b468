package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"lockstep/config"
	"lockstep/config/mirror"
	"lockstep/internal/failure"
)

func TestChartOfARepositoryIsFetchedThroughItsMirrorAndThenFromTheCache(t *testing.T) {
	archive := packedChart(t, "1.2.3-1")
	var downloads atomic.Int32
	server := repository(t, map[string][]byte{"web-1.2.3-1.tgz": archive}, &downloads)
	f := New(Options{CacheDir: t.TempDir(), Mirrors: mirror.Map{"charts.example.com": server.URL + "/mirror"}})
	chart := config.Chart{Repository: "https://charts.example.com", Name: "web", Version: "1.2.3-1"}
	for range 2 {
		got, err := f.Fetch(context.Background(), chart)
		if err != nil {
			t.Fatal(err)
		}
		if got.Name() != "web" || got.Metadata.Version != "1.2.3-1" || got.Digest != digestOf(archive) {
			t.Errorf("got %s %s %s", got.Name(), got.Metadata.Version, got.Digest)
		}
	}
	if got := downloads.Load(); got != 1 {
		t.Errorf("the archive was downloaded %d times", got)
	}
}

func TestVersionThatIsNotThereIsAnsweredWithThoseThatAre(t *testing.T) {
	server := repository(t, map[string][]byte{"web-1.2.3-1.tgz": packedChart(t, "1.2.3-1"), "web-1.2.4.tgz": packedChart(t, "1.2.4")}, new(atomic.Int32))
	for name, c := range map[string]struct {
		chart  config.Chart
		reason string
		want   []string
	}{
		"no such version": {config.Chart{Repository: server.URL + "/mirror", Name: "web", Version: "next"}, VersionNotFound, []string{`"next"`, "1.2.3-1", "1.2.4"}},
		"only its base":   {config.Chart{Repository: server.URL + "/mirror", Name: "web", Version: "1.2.3"}, VersionNotFound, []string{"1.2.3-1"}},
		"no such chart":   {config.Chart{Repository: server.URL + "/mirror", Name: "other", Version: "1.2.3"}, NotFound, []string{`"other"`}},
		"no repository":   {config.Chart{Repository: server.URL + "/nowhere", Name: "web", Version: "1.2.3"}, NotFound, []string{"404"}},
		"no such folder":  {config.Chart{Path: "/does/not/exist"}, NotFound, []string{"/does/not/exist"}},
		"nobody there":    {config.Chart{Repository: "https://127.0.0.1:1", Name: "web", Version: "1.2.3"}, Unreachable, []string{"127.0.0.1:1/index.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Own: anywhere, PlainHTTP: []string{hostOf(server)}}).Fetch(context.Background(), c.chart)
			checkFailure(t, err, c.reason, c.want...)
		})
	}
}

func TestChangedArchiveIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "index.yaml") {
			_, _ = fmt.Fprintf(w, "apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.2.3, apiVersion: v2, digest: %064d, urls: [web.tgz]}\n", 7)
			return
		}
		_, _ = w.Write(packedChart(t, "1.2.3"))
	}))
	defer server.Close()
	_, err := New(Options{Own: anywhere, PlainHTTP: []string{hostOf(server)}}).Fetch(context.Background(), config.Chart{Repository: server.URL, Name: "web", Version: "1.2.3"})
	checkFailure(t, err, Invalid, "the index says")
}

func TestChartOfARegistryIsPulledWithoutTLSIfItsMirrorIs(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	archive := packedChart(t, "v1.7.0")
	host := strings.TrimPrefix(server.URL, "http://")
	pushChart(t, host+"/envoyproxy/gateway-helm:v1.7.0", archive)
	f := New(Options{CacheDir: t.TempDir(), Mirrors: mirror.Map{"docker.io": server.URL}})
	chart := config.Chart{OCI: "oci://docker.io/envoyproxy/gateway-helm", Version: "v1.7.0"}
	for range 2 {
		got, err := f.Fetch(context.Background(), chart)
		if err != nil {
			t.Fatal(err)
		}
		if got.Metadata.Version != "v1.7.0" || got.Digest != digestOf(archive) {
			t.Errorf("got %s %s", got.Metadata.Version, got.Digest)
		}
	}
	chart.Version = "v1.8.0"
	_, err := f.Fetch(context.Background(), chart)
	checkFailure(t, err, VersionNotFound, "v1.8.0", "v1.7.0")
	chart.OCI = "oci://docker.io/envoyproxy/other"
	_, err = f.Fetch(context.Background(), chart)
	checkFailure(t, err, NotFound, "envoyproxy/other")
}

func hostOf(server *httptest.Server) string { return strings.TrimPrefix(server.URL, "http://") }

func TestNoChartComesWithoutTLSUnlessWhoeverRunsTheWorkerSaysSo(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked += r.URL.Path }))
	t.Cleanup(server.Close)
	index := "apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.2.3, apiVersion: v2, urls: [" + server.URL + "/web.tgz]}\n"
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/away") {
			http.Redirect(w, r, server.URL+r.URL.Path, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, index)
	}))
	t.Cleanup(secure.Close)
	f := New(Options{})
	f.http = f.rule.Client(secure.Client().Transport, 0)
	for name, c := range map[string]config.Chart{
		"a registry on loopback":    {OCI: "oci://" + hostOf(server) + "/charts/web", Version: "1.2.3"},
		"a repository":              {Repository: "http://user:s3cret@" + hostOf(server) + "?sig=s3cret", Name: "web", Version: "1.2.3"},
		"an index that names it":    {Repository: secure.URL, Name: "web", Version: "1.2.3"},
		"a redirect that leaves it": {Repository: secure.URL + "/away", Name: "web", Version: "1.2.3"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Fetch(t.Context(), c)
			if !failure.Is(err, failure.InvalidConfig) && !strings.Contains(fmt.Sprint(err), "leaves TLS") || asked != "" || strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("it was asked for %q: %v", asked, err)
			}
		})
	}
}

func TestOnlyRegularFilesAndFoldersAreCharts(t *testing.T) {
	for _, path := range []string{"/dev/zero", "/dev/null"} {
		_, err := New(Options{Own: anywhere}).Fetch(t.Context(), config.Chart{Path: path})
		checkFailure(t, err, Invalid, "neither a folder nor a regular file")
	}
}

func TestFolderHasTheSameDigestWhereverItIs(t *testing.T) {
	f := New(Options{Own: anywhere})
	first, err := f.Fetch(context.Background(), config.Chart{Path: writeChart(t, configMap)})
	if err != nil {
		t.Fatal(err)
	}
	second, err := f.Fetch(context.Background(), config.Chart{Path: writeChart(t, configMap)})
	if err != nil || first.Digest != second.Digest {
		t.Errorf("digests are %s and %s (%v)", first.Digest, second.Digest, err)
	}
	other, err := f.Fetch(context.Background(), config.Chart{Path: writeChart(t, configMap+"  a: b\n")})
	if err != nil || first.Digest == other.Digest {
		t.Errorf("another chart has the same digest (%v)", err)
	}
	_, err = f.Fetch(context.Background(), config.Chart{Path: writeChart(t, configMap), Version: "2.0.0"})
	checkFailure(t, err, VersionNotFound, "1.2.3", "2.0.0")
}

func TestArchiveOnDiskHasItsOwnDigest(t *testing.T) {
	archive := packedChart(t, "1.2.3")
	path := filepath.Join(t.TempDir(), "web.tgz")
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := New(Options{Own: anywhere}).Fetch(context.Background(), config.Chart{Path: path})
	if err != nil || info.Digest != digestOf(archive) {
		t.Errorf("got %+v, %v", info, err)
	}
}

func TestCRDsAreThoseOfTheChartAndNothingElseOfItsFolder(t *testing.T) {
	crds, err := New(Options{Own: anywhere}).CRDs(context.Background(), config.Chart{Path: writeChart(t, configMap)})
	if err != nil || len(crds) != 1 || crds[0].GetName() != "widgets.example.com" {
		t.Errorf("got %v, %v", crds, err)
	}
}

func checkFailure(t *testing.T, err error, reason string, parts ...string) {
	t.Helper()
	e, found := failure.As(err)
	if !found || e.Reason != reason {
		t.Fatalf("got %v, want a failure for the reason %s", err, reason)
	}
	if e.Kind == "" || e.Next == "" {
		t.Errorf("%q has kind %q and next move %q", err, e.Kind, e.Next)
	}
	for _, part := range append(parts, e.Next) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  text: hello\n"

// writeChart makes a chart folder with one template.
func writeChart(t *testing.T, template string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":              "apiVersion: v2\nname: web\nversion: 1.2.3\n",
		"templates/web.yaml":      template,
		"crds/widgets.yaml":       "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: widgets.example.com}\n---\n# nothing\n",
		"crds/policy.yaml":        "kind: ValidatingAdmissionPolicy\napiVersion: admissionregistration.k8s.io/v1\nmetadata: {name: safe-upgrades.example.com}\n",
		".helmignore":             "*.bak\n",
		"templates/left-over.bak": "not a template",
	} {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// repository serves archives and an index with relative addresses below /mirror.
func repository(t *testing.T, archives map[string][]byte, downloads *atomic.Int32) *httptest.Server {
	t.Helper()
	index := "apiVersion: v1\nentries:\n  web:\n"
	for file, archive := range archives {
		version := strings.TrimSuffix(strings.TrimPrefix(file, "web-"), ".tgz")
		index += fmt.Sprintf("  - {name: web, version: %q, apiVersion: v2, digest: %s, urls: [%s]}\n",
			version, strings.TrimPrefix(digestOf(archive), "sha256:"), url.PathEscape(file))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, found := strings.CutPrefix(r.URL.Path, "/mirror/")
		switch {
		case found && file == "index.yaml":
			_, _ = w.Write([]byte(index))
		case found && archives[file] != nil:
			downloads.Add(1)
			_, _ = w.Write(archives[file])
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func packedChart(t testing.TB, version string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for file, text := range map[string]string{
		"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: " + version + "\nappVersion: \"9\"\nkubeVersion: \">=1.20.0-0\"\n",
	} {
		if err := archive.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write([]byte(text))
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func pushChart(t *testing.T, reference string, archive []byte) {
	t.Helper()
	tag, err := name.NewTag(reference, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(archive, chartLayer))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
}

func anywhere(config.Chart) bool { return true }

func TestAnEnvironmentsChartIsBelowTheFolderOfChartsOrNowhere(t *testing.T) {
	folder, outside := t.TempDir(), writeChart(t, configMap)
	if err := os.CopyFS(filepath.Join(folder, "web"), os.DirFS(writeChart(t, configMap))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "web.tgz"), packedChart(t, "1.2.3"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": outside, "web-link": filepath.Join(folder, "web"), "within": "web"} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(folder, "stolen"), os.DirFS(writeChart(t, configMap))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "stolen", "templates", "secrets.txt")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe.tgz"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := New(Options{Folder: folder})
	for _, path := range []string{"web", "web.tgz", "within"} {
		if _, err := f.Fetch(t.Context(), config.Chart{Path: path}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	whole, err := New(Options{Own: anywhere}).Fetch(t.Context(), config.Chart{Path: filepath.Join(folder, "web")})
	named, errNamed := f.Fetch(t.Context(), config.Chart{Path: "web"})
	if err != nil || errNamed != nil || whole.Digest != named.Digest {
		t.Errorf("the same folder has digests %s and %s: %v, %v", whole.Digest, named.Digest, err, errNamed)
	}
	for _, path := range []string{outside, "../" + filepath.Base(folder) + "/web", "link", "web-link", "stolen", "pipe.tgz", "/dev/zero", "absent"} {
		if _, err := f.Fetch(t.Context(), config.Chart{Path: path}); !failure.Is(err, failure.InvalidConfig) && !failure.Is(err, failure.NotFound) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := New(Options{}).Fetch(t.Context(), config.Chart{Path: "web"}); err == nil || !strings.Contains(err.Error(), "no folder of charts") {
		t.Errorf("without a folder: %v", err)
	}
}

func TestAChartThatIsNotAllowedIsNotAskedFor(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	f := New(Options{Allowed: func(config.Chart) bool { return false }})
	for _, c := range []config.Chart{{Repository: server.URL, Name: "web", Version: "1.2.3"}, {OCI: "oci://" + strings.TrimPrefix(server.URL, "http://") + "/web", Version: "1.2.3"}} {
		if _, err := f.Fetch(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not allowed on this cluster") || asked > 0 {
			t.Errorf("%+v: %v, asked %d times", c, err, asked)
		}
	}
}

func TestAPinnedChartIsThatOneOrNoneFromWhereverItComes(t *testing.T) {
	archive, other := packedChart(t, "1.2.3"), packedChart(t, "1.2.4")
	hex := strings.TrimPrefix(digestOf(archive), "sha256:")
	served := repository(t, map[string][]byte{"web-1.2.3.tgz": archive}, new(atomic.Int32))
	oci := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(oci.Close)
	pushChart(t, hostOf(oci)+"/charts/web:1.2.3", archive)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "web.tgz"), archive, 0o600); err != nil {
		t.Fatal(err)
	}
	options := Options{PlainHTTP: []string{hostOf(served), hostOf(oci)}, Folder: folder, CacheDir: t.TempDir()}
	inRegistry := config.Chart{OCI: "oci://" + hostOf(oci) + "/charts/web", Version: "1.2.3"}
	got, err := New(options).Fetch(t.Context(), inRegistry)
	if err != nil || !strings.HasPrefix(got.Manifest, "sha256:") {
		t.Fatalf("manifest %q, %v", got.Manifest, err)
	}
	for _, cached := range []bool{true, false} {
		if !cached {
			options.CacheDir = ""
		}
		f := New(options)
		for holds, c := range map[string]config.Chart{
			"a repository": {Repository: served.URL + "/mirror", Name: "web", Version: "1.2.3"}, "a registry": inRegistry, "a folder": {Path: "web.tgz"},
		} {
			right, wrong, field := c, c, "chart.sha256"
			if right.SHA256, wrong.SHA256 = hex, strings.TrimPrefix(digestOf(other), "sha256:"); c.OCI != "" {
				right, wrong, field = c, c, "chart.digest"
				right.Digest, wrong.Digest = got.Manifest, digestOf(other)
			}
			if _, err := f.Fetch(t.Context(), right); err != nil {
				t.Errorf("%s: %v", holds, err)
			}
			_, err := f.Fetch(t.Context(), wrong)
			checkFailure(t, err, Invalid, field, wrong.SHA256+wrong.Digest, "ask its owner", "1.2.3"[:len(c.Version)])
			if _, err = f.CRDs(t.Context(), wrong); err == nil {
				t.Errorf("%s: the CRDs of another chart are taken", holds)
			}
		}
	}
}

func TestWhatIsNoChartIsNotKept(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "index.yaml") {
			_, _ = io.WriteString(w, "apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.2.3, apiVersion: v2, urls: [web.tgz]}\n")
			return
		}
		_, _ = io.WriteString(w, "users: [{name: x, user: {exec: {command: sh}}}]")
	}))
	t.Cleanup(server.Close)
	cache := t.TempDir()
	if _, err := New(Options{CacheDir: cache, PlainHTTP: []string{hostOf(server)}}).Fetch(t.Context(), config.Chart{Repository: server.URL, Name: "web", Version: "1.2.3"}); err == nil {
		t.Error("it is taken for a chart")
	}
	if kept, _ := filepath.Glob(filepath.Join(cache, "*", "*")); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}
