package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
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
	kinds []string
	fatal error
	// more is what it says beside, if all is well.
	more func() string
	ask  func(context.Context) error // for Temporal's health

	asking sync.Mutex
	asked  time.Time
	answer error
}

func newHealth() *health {
	return &health{now: time.Now, not: "starting", kinds: []string{workflowTasks, activityTasks}, more: func() string { return "" }}
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
	if r.URL.Path == "/readyz" {
		h.mu.Lock()
		more := h.more
		h.mu.Unlock()
		_, _ = fmt.Fprint(w, more())
	}
}

// polling says on which task queues the worker polls, and what it says beside when all is well.
func (h *health) polling(queues []string, more func() string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds, h.more = nil, more
	for _, queue := range queues {
		h.kinds = append(h.kinds, on(queue, workflowTasks), on(queue, activityTasks))
	}
}

// waited says whether Temporal has had the worker wait for tasks of all kinds.
func (h *health) waited() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, kind := range h.kinds {
		if !h.polls.waited(kind, h.now()) {
			return false
		}
	}
	return true
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
	for _, kind := range h.kinds {
		if idle := h.polls.idle(kind, h.now()); strings.HasPrefix(kind, workflowTasks) && h.not == "" && idle > stuck {
			return fmt.Errorf("the worker is stuck: no poll for %s in %s", kind, idle.Truncate(time.Second))
		}
	}
	return nil
}

func (h *health) ready(ctx context.Context) error {
	if err := h.live(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	not, ask, kinds := h.not, h.ask, h.kinds
	h.mu.Unlock()
	if not != "" {
		return errors.New(not)
	}
	var failing []error
	for _, kind := range kinds {
		failing = append(failing, h.polls.failing(kind, h.now()))
	}
	if err := errors.Join(failing...); err != nil {
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
