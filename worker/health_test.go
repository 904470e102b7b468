package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// watched is the health of a worker that has begun to poll, and how those polls end.
func watched(t *testing.T, ask func(context.Context) error) (h *health, c *clock, ends map[string]func(time.Time, error)) {
	t.Helper()
	c = &clock{time.Now()}
	h = newHealth()
	h.now = func() time.Time { return c.now }
	ends = map[string]func(time.Time, error){}
	for _, kind := range []string{workflowTasks, activityTasks} {
		ends[kind] = h.polls.begin(kind, c.now)
	}
	h.started(ask)
	return h, c, ends
}

func well(context.Context) error { return nil }

// probe is the status and the body of the answer to a probe.
func probe(h http.Handler, path string) (int, string) {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

func wants(t *testing.T, h http.Handler, path string, status int, says string) {
	t.Helper()
	if code, body := probe(h, path); code != status || !strings.Contains(body, says) {
		t.Errorf("%s: got %d %q, want %d %q", path, code, body, status, says)
	}
}

func TestAWorkerIsReadyFromItsFirstPollsUntilItStops(t *testing.T) {
	h := newHealth()
	wants(t, h, "/livez", http.StatusOK, "ok")
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "starting")
	h.started(well)
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "has not polled for workflow tasks yet")
	h.polls.begin(workflowTasks, time.Now())
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "has not polled for activity tasks yet")
	h.polls.begin(activityTasks, time.Now())
	wants(t, h, "/readyz", http.StatusOK, "ok")
	h.stopping(nil)
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "stopping")
	wants(t, h, "/livez", http.StatusOK, "ok") // it is to be let drain
}

func TestAWorkerWhosePollsAreRefusedIsNotReadyAndNeedsNoRestart(t *testing.T) {
	h, c, ends := watched(t, well)
	ends[workflowTasks](c.now, errors.New("permission denied"))
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "polling for workflow tasks: permission denied")
	wants(t, h, "/livez", http.StatusOK, "ok")

	h.polls.begin(workflowTasks, c.now)
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "permission denied") // it may be refused again
	c.pass(settles)
	wants(t, h, "/readyz", http.StatusOK, "ok")
}

func TestAWorkerWhoseSlotsAreAllTakenIsReadyWithoutPolling(t *testing.T) {
	h, c, ends := watched(t, well)
	ends[activityTasks](c.now, nil)
	c.pass(time.Hour)
	wants(t, h, "/readyz", http.StatusOK, "ok")
	wants(t, h, "/livez", http.StatusOK, "ok")
}

func TestAWorkerThatPollsNoMoreIsNotAlive(t *testing.T) {
	h, c, ends := watched(t, well)
	ends[workflowTasks](c.now, nil)
	c.pass(stuck)
	wants(t, h, "/livez", http.StatusOK, "ok")
	c.pass(time.Second)
	wants(t, h, "/livez", http.StatusServiceUnavailable, "the worker is stuck: no poll for workflow tasks in 3m1s")
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "stuck")
}

func TestAWorkerThatDrainsIsAliveHoweverLongThatTakes(t *testing.T) {
	h, c, ends := watched(t, well)
	h.stopping(nil)
	ends[workflowTasks](c.now, nil)
	c.pass(time.Hour)
	wants(t, h, "/livez", http.StatusOK, "ok")
}

func TestAWorkerThatFailedIsNeitherReadyNorAlive(t *testing.T) {
	h, _, _ := watched(t, well)
	h.stopping(errors.New("namespace not found"))
	wants(t, h, "/livez", http.StatusServiceUnavailable, "the worker failed: namespace not found")
	wants(t, h, "/readyz", http.StatusServiceUnavailable, "namespace not found")
}

func TestTemporalIsAskedOnceForManyProbes(t *testing.T) {
	asked := 0
	h, c, _ := watched(t, func(context.Context) error {
		asked++
		return errors.New("connection refused")
	})
	for range 10 {
		wants(t, h, "/readyz", http.StatusServiceUnavailable, "asking Temporal for its health: connection refused")
		wants(t, h, "/livez", http.StatusOK, "ok") // another start would change nothing
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	c.pass(askEvery)
	probe(h, "/readyz")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestProbesAreAnsweredUntilTheWorkerEnds(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	err = newHealth().serve(t.Context(), address)
	if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "LOCKSTEP_HEALTH_ADDRESS") {
		t.Errorf("on a taken address: %v", err)
	}
	taken.Close()
	ctx, end := context.WithCancel(t.Context())
	if err := newHealth().serve(ctx, address); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + address + "/livez")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", answer, err)
	}
	answer.Body.Close()
	end()
	until(t, "nobody listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}
