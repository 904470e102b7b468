package auth

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/starter/api/problem"
)

// clock is time that stands still.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// gate is a guard before a handler that says who came through.
type gate struct {
	*Guard
	t       *testing.T
	file    string
	clock   *clock
	log     *bytes.Buffer
	audited *bytes.Buffer
}

const (
	ciToken     = "ci-secret"
	readerToken = "reader-secret"
)

func tokenEntry(name, token, role, environment string) string {
	return "- name: " + name + "\n  sha256: " + digest(token) + "\n  grants: [{role: " + role + ", environments: [\"" + environment + "\"]}]\n"
}

func tokensFile(more ...string) string {
	return "tokens:\n" + tokenEntry("ci", ciToken, "operator", "dev") + tokenEntry("dashboard", readerToken, "reader", "*") + strings.Join(more, "")
}

func newGate(t *testing.T, text string) *gate {
	t.Helper()
	g := &gate{t: t, file: filepath.Join(t.TempDir(), "access.yaml"), clock: &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
		log: &bytes.Buffer{}, audited: &bytes.Buffer{}}
	g.write(text)
	guard, err := New(Options{File: g.file, Log: slog.New(slog.NewTextHandler(g.log, nil)), Audit: slog.New(slog.NewJSONHandler(g.audited, nil)), Now: g.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	g.Guard = guard
	return g
}

// write replaces the access file as a mounted Secret is: at once.
func (g *gate) write(text string) {
	g.t.Helper()
	next := g.file + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(next, g.file); err != nil {
		g.t.Fatal(err)
	}
}

// ask sends a request. change may be nil.
func (g *gate) ask(token string, change func(*http.Request)) *httptest.ResponseRecorder {
	g.t.Helper()
	r := httptest.NewRequestWithContext(g.t.Context(), "GET", "/environments/dev?secret=yes", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	g.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, _ := FromContext(r.Context())
		_, _ = w.Write([]byte(identity.String() + " " + identity.Role("dev").String()))
	})).ServeHTTP(w, r)
	return w
}

// refuses fails the test unless the answer is a problem of that status whose detail says the text.
func refuses(t *testing.T, w *httptest.ResponseRecorder, status int, says string) {
	t.Helper()
	var p problem.Problem
	if w.Code != status || w.Header().Get("Content-Type") != problem.ContentType || json.Unmarshal(w.Body.Bytes(), &p) != nil ||
		p.Status != status || !strings.Contains(p.Detail, says) || p.Instance != "/environments/dev" {
		t.Errorf("answer %d %v %s, want %d and %q", w.Code, w.Header(), w.Body, status, says)
	}
}

func lets(t *testing.T, w *httptest.ResponseRecorder, who string) {
	t.Helper()
	if w.Code != 200 || w.Body.String() != who {
		t.Errorf("answer %d %s, want %s", w.Code, w.Body, who)
	}
}

func TestATokenOfTheAccessFileIsKnown(t *testing.T) {
	g := newGate(t, tokensFile())
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	lets(t, g.ask(readerToken, nil), `token "dashboard" reader`)
}

func TestWithoutAGoodTokenThereIsAChallengeAndNoWayIn(t *testing.T) {
	g := newGate(t, tokensFile())
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = values }
	}
	for _, test := range []struct {
		name      string
		change    func(*http.Request)
		says      string
		challenge string
	}{
		{"none", nil, "the request has no token", `Bearer realm="lockstep"`},
		{"unknown", header("Bearer lockstep_unknown"), "is not known", `Bearer realm="lockstep", error="invalid_token"`},
		{"its SHA-256", header("Bearer " + digest(ciToken)), "is not known", `Bearer realm="lockstep", error="invalid_token"`},
		{"basic", header("Basic Y2k6c2VjcmV0"), "holds no bearer token", `Bearer realm="lockstep", error="invalid_token"`},
		{"two", header("Bearer "+ciToken, "Bearer "+ciToken), "several Authorization headers", `Bearer realm="lockstep", error="invalid_token"`},
		{"JWT without issuer", header("Bearer a.b.c"), "this API accepts no issuer", `Bearer realm="lockstep", error="invalid_token"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := g.ask("", test.change)
			refuses(t, w, 401, test.says)
			if got := w.Header().Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("challenge %s", got)
			}
		})
	}
}

func TestAChangedAccessFileIsInForceWithinASecond(t *testing.T) {
	g := newGate(t, tokensFile())
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	g.write("tokens:\n" + tokenEntry("ci2", "another", "admin", "*"))
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	g.clock.pass(time.Second)
	refuses(t, g.ask(ciToken, nil), 401, "was withdrawn")
	lets(t, g.ask("another", nil), `token "ci2" admin`)
}

func TestABrokenAccessFileLeavesTheOneBeforeInForceAndIsLoggedOnce(t *testing.T) {
	g := newGate(t, tokensFile())
	g.write("tokens: [{name: ci}")
	for range 3 {
		g.clock.pass(time.Second)
		lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	}
	if err := os.Remove(g.file); err != nil {
		t.Fatal(err)
	}
	g.clock.pass(time.Second)
	lets(t, g.ask(ciToken, nil), `token "ci" operator`)
	if n := strings.Count(g.log.String(), "The new access file is invalid: the one before stays in use"); n != 2 {
		t.Errorf("logged %d times:\n%s", n, g.log)
	}
	g.write("tokens:\n" + tokenEntry("ci2", "another", "admin", "*"))
	g.clock.pass(time.Second)
	lets(t, g.ask("another", nil), `token "ci2" admin`)
	if !strings.Contains(g.log.String(), "The access file was read again") {
		t.Errorf("log:\n%s", g.log)
	}
}

func TestAStreamEndsOnceItsTokenIsWithdrawn(t *testing.T) {
	g := newGate(t, tokensFile())
	var ctx = t.Context()
	r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+ciToken)
	g.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(httptest.NewRecorder(), r)
	if identity, err := g.Recheck(ctx); err != nil || identity.Role("dev") != Operator {
		t.Errorf("%v %v", identity, err)
	}
	g.write("tokens:\n" + tokenEntry("ci", ciToken, "reader", "dev"))
	g.clock.pass(time.Second)
	if identity, err := g.Recheck(ctx); err != nil || identity.Role("dev") != Reader {
		t.Errorf("after another grant: %v %v", identity, err)
	}
	g.write("tokens:\n" + tokenEntry("other", "other", "reader", "dev"))
	g.clock.pass(time.Second)
	if _, err := g.Recheck(ctx); err == nil || !strings.Contains(err.Error(), "withdrawn") {
		t.Errorf("after it was withdrawn: %v", err)
	}
	if _, err := g.Recheck(t.Context()); err == nil {
		t.Error("a context without caller was good")
	}
}
