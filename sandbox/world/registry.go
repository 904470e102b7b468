package world

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep/sandbox/registry"
)

// Tags gives the digest of every tag in the registry.
func (w *World) Tags(t testing.TB) map[string]string {
	t.Helper()
	tags := map[string]string{}
	var catalog struct {
		Repositories []string `json:"repositories"`
	}
	w.ask(t, "/v2/_catalog", &catalog)
	for _, repository := range catalog.Repositories {
		var list struct {
			Tags []string `json:"tags"`
		}
		w.ask(t, "/v2/"+repository+"/tags/list", &list)
		for _, tag := range list.Tags {
			resp, err := http.Head("http://" + w.Registry + "/v2/" + repository + "/manifests/" + tag)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			tags[repository+":"+tag] = resp.Header.Get("Docker-Content-Digest")
		}
	}
	return tags
}

// Manifests are the digests of all manifests that are in the registry, tagged or not. It cannot list them: asked for is each that was
// ever spoken of.
func (w *World) Manifests(t testing.TB) []string {
	t.Helper()
	all, err := registry.ReadLog(registry.LogFile(w.Dir))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	asked := map[string]bool{}
	for _, request := range all {
		if asked[request.Path] || !strings.Contains(request.Path, "/manifests/sha256:") {
			continue
		}
		asked[request.Path] = true
		resp, err := http.Head("http://" + w.Registry + request.Path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			there = append(there, strings.Replace(strings.TrimPrefix(request.Path, "/v2/"), "/manifests/", "@", 1))
		}
	}
	return there
}

func (w *World) ask(t testing.TB, path string, answer any) {
	t.Helper()
	resp, err := http.Get("http://" + w.Registry + path)
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

// Pushes are the requests so far by which the registry was given something.
func (w *World) Pushes(t testing.TB) []registry.Request {
	t.Helper()
	all, err := registry.ReadLog(registry.LogFile(w.Dir))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r registry.Request) bool {
		// An upload that is opened and given up is how the right to push is tried.
		return !slices.Contains([]string{"PUT", "PATCH", "POST"}, r.Method) || r.Method == "POST" && r.Status == http.StatusAccepted
	})
}
