package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"lockstep/sandbox/world"
	"lockstep/workflows"
)

// Admission cannot refuse to read. An authorizing proxy before the API server can, as those do that guard access to many clusters.

// proxied is the kubeconfig, for the field cluster.kubeconfig, that leads through the proxy.
func proxied(w *world.World) any { return filepath.Join(w.Dir, "proxy.kubeconfig") }

// forbids has a proxy refuse to the step, while it is under way, requests whose path ends so.
func forbids(step, path string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		next := through(t, w)
		server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			if strings.HasSuffix(request.URL.Path, path) && running(request.Context(), w, step) {
				forbidden(answer, request)
				return
			}
			next.ServeHTTP(answer, request)
		}))
		config := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: %q}}], users: [{name: x, user: {}}],
  contexts: [{name: x, context: {cluster: x, user: x}}]}`, server.URL)
		if err := os.WriteFile(proxied(w).(string), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		return server.Close
	}
}

func through(t testing.TB, w *world.World) http.Handler {
	t.Helper()
	config := w.Config(t)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport, proxy.FlushInterval = transport, -1 // watches
	return proxy
}

func forbidden(answer http.ResponseWriter, request *http.Request) {
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(answer).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden, Message: request.URL.Path + " is forbidden: " + unwanted})
}

// running says whether a step of the newest operation is under way.
func running(ctx context.Context, w *world.World, step string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := w.Temporal.QueryWorkflow(ctx, workflows.CanonicalID(world.Environment), "", workflows.QueryStatus)
	if err != nil {
		return false
	}
	var status workflows.Status
	if err := answer.Get(&status); err != nil {
		return false
	}
	for _, s := range status.Steps {
		if s.Name == step {
			return s.State == workflows.StateRunning
		}
	}
	return false
}
