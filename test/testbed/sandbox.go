package testbed

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lockstep/sandbox/sandboxtest"
)

// sandbox is a testbed with products that boot within seconds.
type sandbox struct{ box *sandboxtest.Sandbox }

// NewSandbox starts a sandbox; args are further arguments of `sandbox up`. It skips like [sandboxtest.Up].
func NewSandbox(t testing.TB, args ...string) Testbed {
	t.Helper()
	args = append(args, "--is-boot", "1s", "--apim-boot", "2s", "--probe-scale", "4")
	return sandbox{sandboxtest.Up(t, sandboxtest.Options{Args: args})}
}

func (s sandbox) Kubeconfig() string            { return s.box.Kubeconfig }
func (s sandbox) TemporalAddress() string       { return s.box.TemporalAddress }
func (s sandbox) Dir() string                   { return s.box.Dir }
func (s sandbox) Env() []string                 { return s.box.Env() }
func (s sandbox) Patience() time.Duration       { return 4 * time.Minute }
func (s sandbox) WorkerImage() string           { return "" }
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
