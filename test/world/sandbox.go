package world

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lockstep/sandbox/fault"
	"lockstep/sandbox/registry"
	"lockstep/sandbox/sandboxtest"
)

// sandbox is a testbed with products that boot within seconds.
type sandbox struct{ box *sandboxtest.Sandbox }

func newSandbox(t testing.TB, args ...string) sandbox {
	t.Helper()
	args = append(args, "--is-boot", "1s", "--apim-boot", "2s", "--probe-scale", "4")
	return sandbox{sandboxtest.Up(t, sandboxtest.Options{Args: args})}
}

func (s sandbox) Kubeconfig() string            { return s.box.Kubeconfig }
func (s sandbox) TemporalAddress() string       { return s.box.TemporalAddress }
func (s sandbox) Dir() string                   { return s.box.Dir }
func (s sandbox) Env() []string                 { return s.box.Env() }
func (s sandbox) Patience() time.Duration       { return 4 * time.Minute }
func (s sandbox) Sandbox() *sandboxtest.Sandbox { return s.box }

// PodLogs are the files of the node and of what it runs.
func (s sandbox) PodLogs(t testing.TB) map[string][]byte {
	t.Helper()
	logs := map[string][]byte{}
	for _, pattern := range []string{"logs/node.log", "pods/*/*/*.log"} {
		files, err := filepath.Glob(filepath.Join(s.Dir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if logs[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	return logs
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
