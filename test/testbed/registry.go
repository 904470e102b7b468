package testbed

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep/sandbox/registry"
)

// Tags gives the digest of every tag in the registry.
func (s sandbox) Tags(t testing.TB) map[string]string {
	t.Helper()
	tags := map[string]string{}
	var catalog struct {
		Repositories []string `json:"repositories"`
	}
	s.ask(t, "/v2/_catalog", &catalog)
	for _, repository := range catalog.Repositories {
		var list struct {
			Tags []string `json:"tags"`
		}
		s.ask(t, "/v2/"+repository+"/tags/list", &list)
		for _, tag := range list.Tags {
			resp, err := http.Head("http://" + s.box.Registry + "/v2/" + repository + "/manifests/" + tag)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			tags[repository+":"+tag] = resp.Header.Get("Docker-Content-Digest")
		}
	}
	return tags
}

// Manifests are all manifests that are in the registry, tagged or not, as repository@digest. It cannot list them: asked for is what is
// under a tag, with its parts, and each that a request was ever about.
func (s sandbox) Manifests(t testing.TB) []string {
	t.Helper()
	requests, err := registry.ReadLog(registry.LogFile(s.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for tag, digest := range s.Tags(t) {
		repository, _, _ := strings.Cut(tag, ":")
		paths = append(paths, "/v2/"+repository+"/manifests/"+digest)
	}
	for _, request := range requests {
		if strings.Contains(request.Path, "/manifests/sha256:") {
			paths = append(paths, request.Path)
		}
	}
	there, known := map[string]bool{}, map[string]bool{}
	for len(paths) > 0 {
		path := paths[0]
		if paths = paths[1:]; known[path] {
			continue
		}
		known[path] = true
		var manifest struct {
			Parts []struct {
				Digest string `json:"digest"`
			} `json:"manifests"`
			SchemaVersion int `json:"schemaVersion"`
		}
		s.ask(t, path, &manifest)
		if manifest.SchemaVersion == 0 {
			continue // it is not there
		}
		repository, digest, _ := strings.Cut(strings.TrimPrefix(path, "/v2/"), "/manifests/")
		there[repository+"@"+digest] = true
		for _, part := range manifest.Parts {
			paths = append(paths, "/v2/"+repository+"/manifests/"+part.Digest)
		}
	}
	return slices.Sorted(maps.Keys(there))
}

func (s sandbox) ask(t testing.TB, path string, answer any) {
	t.Helper()
	resp, err := http.Get("http://" + s.box.Registry + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusNotFound {
		return // the last tag of a repository went
	}
	if err := json.Unmarshal(body, answer); err != nil {
		t.Fatalf("%s answers %s: %s", path, resp.Status, body)
	}
}
