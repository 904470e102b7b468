package image

import (
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/internal/failure"
)

func TestAnArtifactIsChecked(t *testing.T) {
	sidecar := fmt.Sprintf("%x  handler.jar\n", sha1.Sum([]byte(jar)))
	tests := map[string]struct {
		sha256 string
		answer http.HandlerFunc
		kind   failure.Kind
		text   string
	}{
		"its SHA-256 is right":       {sum(jar), write(jar), "", ""},
		"its SHA-256 in upper case":  {strings.ToUpper(sum(jar)), write(jar), "", ""},
		"its SHA-256 is another":     {sum("x"), write(jar), failure.Refused, "its sha256 is not " + sum("x")},
		"the sidecar agrees":         {"", both(jar, sidecar), "", ""},
		"the sidecar disagrees":      {"", both(jar+"!", sidecar), failure.Refused, "its sha1 is"},
		"the sidecar is a page":      {"", write("<html>"), failure.Refused, "holds no SHA-1"},
		"there is no sidecar":        {"", missing, failure.Refused, "set sha256 of that artifact"},
		"a page comes in its place":  {sum(jar), write("<!DOCTYPE html>"), failure.Refused, "not a page about it"},
		"there is no such file":      {sum(jar), status(404), failure.NotFound, "check url"},
		"it is not for the worker":   {sum(jar), status(403), failure.Unauthorized, "check url"},
		"the repository is down":     {sum(jar), status(503), failure.Unavailable, "check url"},
		"the download is cut":        {sum(jar), cut, failure.Unavailable, "worth another attempt"},
		"it never ends":              {sum(jar), endless, failure.InvalidConfig, "more than 65536 KiB"},
		"the answer goes in circles": {sum(jar), circle, failure.Unavailable, "10 redirects"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.maven.answer = tt.answer
			files, err := w.builder.fetch(context.Background(),
				[]config.Artifact{{URL: "https://user:secret@maven.example.com/x/handler.jar?key=secret", SHA256: tt.sha256}}, nil, func(string) {})
			if failure.KindOf(err) != tt.kind || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.text)
			}
			if tt.sha256 == sum("x") && strings.Contains(fmt.Sprint(err), sum(jar)) || strings.Contains(fmt.Sprint(err), "DOCTYPE") {
				t.Errorf("what the address answered shows in %v", err)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("a secret shows in %v", err)
			}
			if err == nil && string(files[0].data) != jar {
				t.Errorf("fetched %q", files[0].data)
			}
		})
	}
}

func TestACachedArtifactIsNotFetchedAgain(t *testing.T) {
	w := newWorld(t)
	w.builder.cacheDir = t.TempDir()
	for range 2 {
		if _, err := w.builder.fetch(context.Background(), spec().Artifacts, nil, func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	if w.maven.fetched != 1 {
		t.Errorf("fetched %d times", w.maven.fetched)
	}
}

func TestADamagedCacheIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	w.builder.cacheDir = t.TempDir()
	if err := os.WriteFile(w.builder.cacheDir+"/sha256-"+sum(jar), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := w.builder.fetch(context.Background(), spec().Artifacts, nil, func(string) {})
	if err != nil || string(files[0].data) != jar {
		t.Errorf("got %v", err)
	}
}

func TestWithoutASHA256TheOneToPinIsSaid(t *testing.T) {
	w := newWorld(t)
	w.maven.answer = both(jar, fmt.Sprintf("%x", sha1.Sum([]byte(jar))))
	said := ""
	_, err := w.builder.fetch(context.Background(), []config.Artifact{{URL: "https://maven.example.com/handler.jar"}}, nil, func(s string) { said += s })
	if err != nil || !strings.Contains(said, "sha256: "+sum(jar)) {
		t.Errorf("said %q, error %v", said, err)
	}
}

func write(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func both(file, sidecar string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha1") {
			_, _ = io.WriteString(w, sidecar)
			return
		}
		_, _ = io.WriteString(w, file)
	}
}

func missing(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, jar)
}

func circle(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Path, http.StatusFound)
}

func endless(w http.ResponseWriter, _ *http.Request) {
	block := make([]byte, 1<<20)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
