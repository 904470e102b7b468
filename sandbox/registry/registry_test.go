package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"lockstep/sandbox/fault"
)

func start(t *testing.T) (host, dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	requests, err := os.Create(LogFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { requests.Close() })
	h, err := Handler(filepath.Join(dir, "registry"), requests, fault.File(dir))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), dir
}

func TestAPushedImageIsOnDiskAndComesBackAndCanBeDeleted(t *testing.T) {
	host, dir := start(t)
	img, err := random.Image(1<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref := host + "/wso2/wso2is:7.2.0"
	if err := crane.Push(img, ref); err != nil {
		t.Fatal(err)
	}
	blobs, err := os.ReadDir(filepath.Join(dir, "registry", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	if len(blobs) != 3 {
		t.Errorf("%d blobs on disk, want two layers and a config", len(blobs))
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, err := crane.Digest(ref)
	if err != nil {
		t.Fatal(err)
	}
	if got != want.String() {
		t.Errorf("digest %s, want %s", got, want)
	}
	if err := crane.Delete(ref); err != nil {
		t.Errorf("deleting: %v", err)
	}
	if _, err := crane.Digest(ref); err == nil {
		t.Error("a deleted tag still resolves")
	}
}

func TestTheRequestLogCountsUploads(t *testing.T) {
	host, dir := start(t)
	img, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	uploads := func() int {
		requests, err := ReadLog(LogFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range requests {
			if r.Method == http.MethodPut && r.Status == http.StatusCreated && strings.Contains(r.Path, "/blobs/uploads/") {
				n++
			}
		}
		return n
	}
	for range 2 { // the second push finds every blob there
		if err := crane.Push(img, host+"/a/b:1"); err != nil {
			t.Fatal(err)
		}
		if got := uploads(); got != 2 {
			t.Errorf("%d uploads in the log, want 2", got)
		}
	}
}

func TestAChartIsServedByTheRepositoryAndPushedAsHelmDoes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	chartYAML := "apiVersion: v2\nname: demo\nversion: 1.2.3\n"
	if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(chartYAML), 0o600); err != nil {
		t.Fatal(err)
	}
	tgz, err := Pack(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Charts([][]byte{tgz})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	var index, archive bytes.Buffer
	get(t, s.URL+"/index.yaml", &index)
	get(t, s.URL+"/demo-1.2.3.tgz", &archive)
	if !strings.Contains(index.String(), "- demo-1.2.3.tgz") {
		t.Errorf("index names no archive:\n%s", &index)
	}
	if !bytes.Equal(archive.Bytes(), tgz) {
		t.Error("the served archive is not the packed one")
	}

	host, _ := start(t)
	if err := PushChart(context.Background(), host+"/charts/demo", tgz); err != nil {
		t.Fatal(err)
	}
	manifest, err := crane.Manifest(host + "/charts/demo:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{string(helmConfig), string(helmLayer)} {
		if !strings.Contains(string(manifest), want) {
			t.Errorf("manifest has no %s:\n%s", want, manifest)
		}
	}
	config, err := crane.Config(host + "/charts/demo:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), `"name":"demo"`) {
		t.Errorf("config is not the chart's metadata: %s", config)
	}
}

func TestTheHandlerIsTheSameBytesForEver(t *testing.T) {
	jar, err := HandlerJAR()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(jar)
	const want = "ea2861981642a8bff1e7ffb51e3e2dff18c4affe607bb73a2e5b17e9df1010dc"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sha256 %s, want %s: environment files pin it", got, want)
	}
}

func TestTheMavenRepositoryHasTheHandlerAndItsChecksum(t *testing.T) {
	h, err := Maven()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	var jar, sum bytes.Buffer
	if got := get(t, s.URL+HandlerPath, &jar); got != http.StatusOK {
		t.Errorf("jar: status %d", got)
	}
	if got := get(t, s.URL+HandlerPath+".sha1", &sum); got != http.StatusOK || sum.Len() != 40 {
		t.Errorf("sha1: status %d, %d bytes", got, sum.Len())
	}
	if got := get(t, s.URL+HandlerPath+".md5", nil); got != http.StatusNotFound {
		t.Errorf("md5: status %d, want 404", got)
	}
}

func get(t *testing.T, url string, into io.Writer) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if _, err := io.Copy(into, resp.Body); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode
}
