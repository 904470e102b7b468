package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lockstep/config/settings"
	"lockstep/internal/failure"
)

// apiServer answers questions for its version and remembers the token of the last.
type apiServer struct {
	address string
	mu      sync.Mutex
	token   string
}

func newAPIServer(t *testing.T) *apiServer {
	a := &apiServer{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"major":"1","minor":"35"}`)
	}))
	t.Cleanup(server.Close)
	a.address = server.URL
	return a
}

func (a *apiServer) write(t *testing.T, path, token string) {
	t.Helper()
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],
"clusters":[{"name":"c","cluster":{"server":%q,"insecure-skip-tls-verify":true}}],"users":[{"name":"u","user":{"token":%q}}]}`, a.address, token)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestARotatedKubeconfigIsUsedByTheNextActivity(t *testing.T) {
	server, path := newAPIServer(t), filepath.Join(t.TempDir(), "kubeconfig")
	a := New(settings.Settings{Kubeconfig: path, CacheDir: t.TempDir()})
	used := func(token string) *site {
		t.Helper()
		s, err := a.site("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.cluster.Version(t.Context()); err != nil || server.token != token {
			t.Errorf("the cluster was asked with %q: %v", server.token, err)
		}
		if _, err := s.releases.Look(t.Context(), "apim", "apim"); err != nil || server.token != token {
			t.Errorf("Helm asked with %q: %v", server.token, err)
		}
		return s
	}
	server.write(t, path, "first")
	first := used("first")
	if again := used("first"); again.cluster != first.cluster {
		t.Error("an unchanged kubeconfig is connected with anew")
	}

	if err := os.WriteFile(path, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.site(""); !failure.Is(err, failure.Unavailable) || !failure.IsRetryable(err) || !strings.Contains(err.Error(), path) {
		t.Errorf("while it is written: %v", err)
	}

	server.write(t, path, "second")
	second := used("second")
	if second.releases != first.releases {
		t.Error("the locks of the releases went with the old access")
	}
}

func TestAKubeconfigThatIsNotThereIsFinal(t *testing.T) {
	_, err := New(settings.Settings{Kubeconfig: filepath.Join(t.TempDir(), "nope")}).site("")
	if !failure.Is(err, failure.InvalidConfig) || failure.IsRetryable(err) {
		t.Errorf("got %v", err)
	}
}
