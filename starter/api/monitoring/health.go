// Package monitoring is what others watch the server by: probes and metrics.
package monitoring

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// askEvery is how often Temporal is asked for its health at most, however many probes come.
	askEvery = 2 * time.Second
	// askPatience is below the second that Kubernetes gives a probe by default.
	askPatience = 800 * time.Millisecond
)

// Health answers probes: /livez says that the server answers, /readyz that it reaches Temporal.
type Health struct {
	ask      func(context.Context) error
	stopping <-chan struct{}

	mu     sync.Mutex
	asked  time.Time
	answer error
}

// NewHealth answers by what ask says of Temporal, until stopping is closed.
func NewHealth(ask func(context.Context) error, stopping <-chan struct{}) *Health {
	return &Health{ask: ask, stopping: stopping}
}

// Livez says that the server answers.
func (h *Health) Livez(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }

// Readyz says whether the server reaches Temporal, and goes on.
func (h *Health) Readyz(w http.ResponseWriter, r *http.Request) {
	select {
	case <-h.stopping:
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	default:
	}
	if h.temporal(r.Context()) != nil {
		say(w, http.StatusServiceUnavailable, "Temporal does not answer: check the server's log and TEMPORAL_ADDRESS")
		return
	}
	say(w, http.StatusOK, "ok")
}

// temporal is Temporal's answer, which may be as old as askEvery.
func (h *Health) temporal(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) < askEvery {
		return h.answer
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askPatience)
	defer cancel()
	h.answer, h.asked = h.ask(ctx), time.Now()
	return h.answer
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
