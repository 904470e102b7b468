package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
)

const (
	// askEvery is how often Temporal is asked for its health at most, however many probes come.
	askEvery = 2 * time.Second
	// askPatience is below the second that Kubernetes gives a probe by default.
	askPatience = 800 * time.Millisecond
)

// health answers probes: /livez says that the server answers, /readyz that it reaches Temporal.
type health struct {
	ask      func(context.Context) error
	stopping <-chan struct{}

	mu     sync.Mutex
	asked  time.Time
	answer error
}

func (s *Server) askTemporal(ctx context.Context) error {
	_, err := s.Operations.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

func (h *health) livez(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }

func (h *health) readyz(w http.ResponseWriter, r *http.Request) {
	select {
	case <-h.stopping:
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	default:
	}
	if h.temporal(r.Context()) != nil {
		say(w, http.StatusServiceUnavailable, "Temporal does not answer: the server's log and TEMPORAL_ADDRESS say more")
		return
	}
	say(w, http.StatusOK, "ok")
}

// temporal is Temporal's answer, which may be as old as askEvery.
func (h *health) temporal(ctx context.Context) error {
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
