package chart

import (
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
