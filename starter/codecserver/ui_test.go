package codecserver

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lockstep/starter/api/auth"
)

// gate is a Temporal UI behind a codec server, with what reached it.
type gate struct {
	url           string
	reader, admin string // tokens
	got           []*http.Request
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{}
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.got = append(g.got, r)
		_, _ = io.WriteString(w, "the UI")
	}))
	t.Cleanup(inner.Close)
	file := "tokens:\n"
	token := func(name, role string) string {
		token, entry, err := auth.NewToken(name, role, []string{"*"})
		if err != nil {
			t.Fatal(err)
		}
		file += entry
		return token
	}
	g.reader, g.admin = token("jane", "reader"), token("root", "admin")
	log := slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))
	guard, err := auth.New(auth.Options{File: write(t, t.TempDir(), "access.yaml", file), Audit: log})
	if err != nil {
		t.Fatal(err)
	}
	behind, err := url.Parse(inner.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	g.url = "http://" + server.Listener.Addr().String()
	server.Config.Handler = Handler(Options{Codec: newCodec(t, "one"), Guard: guard, Origins: []string{g.url}, UI: behind, Log: log})
	server.Start()
	t.Cleanup(server.Close)
	return g
}

// ask sends a request with headers in pairs; Host is that of the request itself.
func (g *gate) ask(t *testing.T, client *http.Client, method, path string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if request.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

func staying() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestNobodyReachesTheUIWithoutALogin(t *testing.T) {
	g := newGate(t)
	for _, c := range []struct {
		name    string
		method  string
		headers []string
		status  int
	}{
		{"a page without a login", "GET", []string{"Accept", "text/html"}, http.StatusSeeOther},
		{"a program without a token", "GET", nil, http.StatusUnauthorized},
		{"a start without a token", "POST", nil, http.StatusUnauthorized},
		{"a wrong token", "GET", []string{"Authorization", "Bearer guess"}, http.StatusUnauthorized},
		{"another name that leads here", "GET", []string{"Host", "evil.test:8233", "Authorization", "Bearer " + g.admin}, http.StatusForbidden},
		{"a page of another site", "POST", []string{"Origin", "http://evil.test", "Authorization", "Bearer " + g.admin}, http.StatusForbidden},
		{"a reader who starts something", "POST", []string{"Authorization", "Bearer " + g.reader}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := g.ask(t, staying(), c.method, "/api/v1/namespaces/default/workflows/environment%2Fdev", c.headers...)
			if answer.StatusCode != c.status || len(g.got) > 0 {
				t.Errorf("%s, and %d requests reached the UI", answer.Status, len(g.got))
			}
			if answer.StatusCode == http.StatusSeeOther && answer.Header.Get("Location") != loginPath {
				t.Errorf("sent to %s", answer.Header.Get("Location"))
			}
		})
	}
}

func TestALoginThatIsGoodNoMoreLeadsToTheLogin(t *testing.T) {
	g := newGate(t)
	answer := g.ask(t, staying(), "GET", "/namespaces", "Accept", "text/html", "Cookie", cookieName+"=old")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != loginPath {
		t.Errorf("a page: %s, to %q", answer.Status, answer.Header.Get("Location"))
	}
	program := g.ask(t, staying(), "GET", "/api/v1/namespaces", "Cookie", cookieName+"=old")
	if program.StatusCode != http.StatusUnauthorized {
		t.Errorf("a program: %s", program.Status)
	}
	for _, a := range []*http.Response{answer, program} {
		if cookies := a.Cookies(); len(cookies) != 3 || cookies[0].MaxAge >= 0 {
			t.Errorf("the cookie stays: %v", cookies)
		}
	}
}

func TestWhoIsLoggedInUsesTheUIAsTheirRoleAllows(t *testing.T) {
	g := newGate(t)
	browser := newBrowser(t)
	form := url.Values{"token": {g.reader}}
	answer, err := browser.Post(g.url+"/login", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", http.StatusOK},
		{"GET", "/api/v1/namespaces/default/workflows/environment%2Fdev", http.StatusOK},
		{"POST", "/api/v1/namespaces/default/workflows/environment%2Fdev/query/status", http.StatusOK},
		{"POST", "/api/v1/namespaces/default/workflows/environment%2Fdev/cancel", http.StatusForbidden},
		{"POST", "/api/v1/namespaces/default/workflows/x", http.StatusForbidden},
		{"POST", "/api/v1/namespaces/default/workflows/x%2Fquery%2Fstatus", http.StatusForbidden},
		{"DELETE", "/api/v1/namespaces/default/schedules/x", http.StatusForbidden},
	} {
		before := len(g.got)
		answer := g.ask(t, browser, c.method, c.path, "Cookie", "_csrf=1")
		if answer.StatusCode != c.status || (len(g.got) > before) != (c.status == http.StatusOK) {
			t.Errorf("%s %s: %s", c.method, c.path, answer.Status)
		}
	}
	if answer := g.ask(t, http.DefaultClient, "POST", "/api/v1/namespaces/default/workflows/x", "Authorization", "Bearer "+g.admin); answer.StatusCode != http.StatusOK {
		t.Errorf("an administrator: %s", answer.Status)
	}
	for _, r := range g.got {
		if _, err := r.Cookie(cookieName); err == nil || r.Header.Get("Authorization") != "" || "http://"+r.Host != g.url {
			t.Errorf("%s %s reached the UI with %v", r.Method, r.URL, r.Header)
		}
		if r.URL.Path != "/" && r.URL.EscapedPath() != r.RequestURI {
			t.Errorf("%s became %s", r.RequestURI, r.URL.EscapedPath())
		}
	}
	if _, err := g.got[0].Cookie("_csrf"); err != nil {
		t.Error("the UI's own cookies do not reach it")
	}
}
