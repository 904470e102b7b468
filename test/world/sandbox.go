package world

import (
	"net/http"
	"slices"
	"testing"

	"lockstep/sandbox/fault"
	"lockstep/sandbox/registry"
	"lockstep/sandbox/sandboxtest"
)

// TheSandbox is the sandbox that the scenario runs in. On another cluster the test is skipped, which says what it wants of a sandbox.
func (w *World) TheSandbox(t testing.TB, wants string) *sandboxtest.Sandbox {
	t.Helper()
	s := w.Sandbox()
	if s == nil {
		t.Skipf("needs a sandbox: %s", wants)
	}
	return s
}

// Fault has the sandbox's servers fail from now on, as the test wants them to. Without any they work again.
func (w *World) Fault(t testing.TB, faults ...fault.Fault) {
	t.Helper()
	if err := fault.Write(fault.File(w.TheSandbox(t, "its servers fail on demand").Dir), faults...); err != nil {
		t.Fatal(err)
	}
}

// Faulted counts the requests that met each fault, by its ID.
func (w *World) Faulted(t testing.TB) map[string]int {
	t.Helper()
	hits, err := fault.Hits(fault.File(w.TheSandbox(t, "its servers fail on demand").Dir))
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

// Pushes are the requests so far by which the sandbox's registry was given something. Of other registries nothing is known.
func (w *World) Pushes(t testing.TB) []registry.Request {
	t.Helper()
	s := w.Sandbox()
	if s == nil {
		return nil
	}
	all, err := registry.ReadLog(registry.LogFile(s.Dir))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r registry.Request) bool {
		// An upload that is opened and given up is how the right to push is tried.
		return !slices.Contains([]string{"PUT", "PATCH", "POST"}, r.Method) || r.Method == "POST" && r.Status == http.StatusAccepted
	})
}
