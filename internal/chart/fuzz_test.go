package chart

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"

	"lockstep/config"
)

// Archives and indexes come from servers of others.

func FuzzAnArchiveNeverPanics(f *testing.F) {
	f.Add(packedChart(f, "1.2.3"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		got, err := unpack(archive)
		if err != nil {
			return
		}
		_ = check(got.Chart, config.Chart{Path: "x"})
		_, _ = got.Copy()
	})
}

func FuzzAnIndexNeverPanics(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.2.3, urls: [web.tgz]}\n"))
	f.Add([]byte("entries: {web: [null, {version: x}, {urls: ['']}]}"))
	f.Add([]byte("entries: &a {web: *a}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var index repo.IndexFile
		if yaml.Unmarshal(text, &index) != nil {
			return
		}
		if entry, err := pick(&index, config.Chart{Repository: "https://charts.test", Name: "web", Version: "1.2.3"}); err == nil && len(entry.URLs) == 0 {
			t.Error("an entry without an address was taken")
		}
	})
}

type answers func(*http.Request) []byte

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := a(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}, Request: r,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}, nil
}

func FuzzARegistryOrARepositoryCanAnswerAnything(f *testing.F) {
	archive := packedChart(f, "1.2.3")
	f.Add([]byte("apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.2.3, urls: [web.tgz]}\n"), archive)
	f.Add([]byte("entries:\n  web:\n  - {version: 1.2.3, urls: ['http://[::1']}\n"), []byte("{}"))
	f.Add([]byte(`{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}],"config":{}}`), []byte("{}"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		fetcher := New(Options{})
		asked := 0
		fetcher.http = &http.Client{Transport: answers(func(r *http.Request) []byte {
			if r.URL.Path == "/v2/" {
				return nil
			}
			if asked++; asked == 1 {
				return first
			}
			return second
		})}
		for _, c := range []config.Chart{{Repository: "https://r.test/charts", Name: "web", Version: "1.2.3"}, {OCI: "oci://r.test/charts/web", Version: "1.2.3"}} {
			asked = 0
			if got, err := fetcher.Fetch(t.Context(), c); err == nil && got.Chart == nil {
				t.Error("no chart and no error")
			}
		}
	})
}
