package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/test/world"
	"lockstep/workflows"
	"lockstep/workflows/board"
)

// Admission cannot refuse to read. An authorizing proxy before the API server can, as those do that guard access to many clusters.

// proxied is the kubeconfig, for the field cluster.kubeconfig, that leads through the proxy.
func proxied(w *world.World) any { return filepath.Join(w.Dir(), "proxy.kubeconfig") }

// forbids has a proxy refuse to the step, while it is under way, requests whose path ends so, all or those of a method ("PUT /x").
func forbids(step string, paths ...string) act {
	return func(t testing.TB, w *world.World) func() {
		t.Helper()
		if w.WorkerImage() != "" {
			t.Skip("needs a worker that is a process: the proxy listens on this machine's loopback")
		}
		next := through(t, w)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
			ends := func(path string) bool {
				method, ending, said := strings.Cut(path, " ")
				return !said && strings.HasSuffix(request.URL.Path, path) || said && request.Method == method && strings.HasSuffix(request.URL.Path, ending)
			}
			if slices.ContainsFunc(paths, ends) && running(request.Context(), w, step) {
				forbidden(answer, request)
				return
			}
			next.ServeHTTP(answer, request)
		}))
		server.Listener.Close()
		server.Listener = proxyListener(t, w)
		server.Start()
		return server.Close
	}
}

// proxyListener listens where the kubeconfig says, if there is one: the worker keeps its clients.
func proxyListener(t testing.TB, w *world.World) net.Listener {
	t.Helper()
	file, address := proxied(w).(string), "127.0.0.1:0"
	if config, err := clientcmd.BuildConfigFromFlags("", file); err == nil {
		address = strings.TrimPrefix(config.Host, "http://")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: x, clusters: [{name: x, cluster: {server: "http://%s"}}], users: [{name: x, user: {}}],
  contexts: [{name: x, context: {cluster: x, user: x}}]}`, listener.Addr())
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return listener
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
	answer, err := w.Temporal.QueryWorkflow(ctx, workflows.CanonicalID(world.Environment), "", board.QueryStatus)
	if err != nil {
		return false
	}
	var status board.Status
	if err := answer.Get(&status); err != nil {
		return false
	}
	for _, s := range status.Steps {
		if s.Name == step {
			return s.State == board.StateRunning
		}
	}
	return false
}
