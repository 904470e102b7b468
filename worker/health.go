package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// stuck is how long a worker may go without a poll for workflow tasks: one is open for a minute at most, and after an error the
	// next begins within seconds.
	stuck = 3 * time.Minute
	// askEvery is how often Temporal is asked for its health at most, however many probes come.
	askEvery = 5 * time.Second
	// askTimeout is below the second that Kubernetes gives a probe by default.
	askTimeout = 800 * time.Millisecond
)

// health is what a worker says of itself: at /livez whether it can still make progress, or needs to be started again, and at /readyz
// whether it takes tasks. That Temporal is away is no reason to start the worker again.
type health struct {
	polls polls
	now   func() time.Time

	mu    sync.Mutex
	not   string // why it takes no tasks: it is starting or stopping
	fatal error
	ask   func(context.Context) error // for Temporal's health

	asking sync.Mutex
	asked  time.Time
	answer error
}

func newHealth() *health {
	return &health{now: time.Now, not: "starting"}
}

// serve answers probes at that address until ctx ends. An empty address is none.
func (h *health) serve(ctx context.Context, address string) error {
	if address == "" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for probes: %w; set health.address (LOCKSTEP_HEALTH_ADDRESS) to a free address, or leave it out", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return nil
}

// ServeHTTP implements [http.Handler].
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	checks := map[string]func(context.Context) error{"/livez": h.live, "/readyz": h.ready}
	check, found := checks[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := check(r.Context()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, err)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

// started says that the worker polls; ask asks Temporal for its health.
func (h *health) started(ask func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not, h.ask = "", ask
}

// stopping says that the worker takes no tasks any more, and why, if that is its own failure.
func (h *health) stopping(failure error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.not, h.fatal = "stopping", failure
}

func (h *health) live(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fatal != nil {
		return fmt.Errorf("the worker failed: %w", h.fatal)
	}
	if idle := h.polls.idle(workflowTasks, h.now()); h.not == "" && idle > stuck {
		return fmt.Errorf("the worker is stuck: no poll for workflow tasks in %s", idle.Truncate(time.Second))
	}
	return nil
}

func (h *health) ready(ctx context.Context) error {
	if err := h.live(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	not, ask := h.not, h.ask
	h.mu.Unlock()
	if not != "" {
		return errors.New(not)
	}
	if err := errors.Join(h.polls.failing(workflowTasks, h.now()), h.polls.failing(activityTasks, h.now())); err != nil {
		return err
	}
	if err := h.temporal(ask); err != nil {
		return fmt.Errorf("asking Temporal for its health: %w", err)
	}
	return nil
}

// temporal asks Temporal, unless it did so a moment ago. A probe that is given up takes no answer away from the others.
func (h *health) temporal(ask func(context.Context) error) error {
	h.asking.Lock()
	defer h.asking.Unlock()
	if h.asked.IsZero() || h.now().Sub(h.asked) >= askEvery {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		h.answer, h.asked = ask(ctx), h.now()
	}
	return h.answer
}
