package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAHealthCheckAsksTheWorkerThatListensThere(t *testing.T) {
	h := newHealth()
	server := httptest.NewServer(h)
	defer server.Close()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := askReady(t.Context(), ":"+port); err == nil || !strings.Contains(err.Error(), "not ready: starting") {
		t.Errorf("of a worker that starts: %v", err)
	}
	ready := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked %s", r.URL.Path)
		}
	}))
	if err := askReady(t.Context(), strings.TrimPrefix(ready.URL, "http://")); err != nil {
		t.Error(err)
	}
	ready.Close()
	if err := askReady(t.Context(), strings.TrimPrefix(ready.URL, "http://")); err == nil {
		t.Error("nobody listens, and all is well")
	}
	if err := askReady(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "health.address") {
		t.Errorf("without an address: %v", err)
	}
}
