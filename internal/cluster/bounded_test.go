package cluster

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"lockstep/internal/bounded"
)

// answering is a client of an API server that answers so.
func answering(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	c, err := NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnAPIServerWhoseAnswersDoNotEndTakesNoMemory(t *testing.T) {
	piece := strings.Repeat("x", 64<<10)
	var sent atomic.Int64
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"`)
		for r.Context().Err() == nil && sent.Load() < 1<<30 {
			n, err := io.WriteString(w, piece)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := c.Secret(t.Context(), "apim", "endless")
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") || sent.Load() >= 1<<30 {
		t.Errorf("after %d MiB: %v", sent.Load()>>20, err)
	}
	if taken := int64(after.Sys) - int64(before.Sys); taken > 6*bounded.Most {
		t.Errorf("it took %d MiB", taken>>20)
	}
}

func TestAWatchMayBeQuiet(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	watch, err := c.Kube().CoreV1().Pods("apim").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, open := <-watch.ResultChan(); open || ctx.Err() == nil {
		t.Error("it ended before it was over")
	}
}
