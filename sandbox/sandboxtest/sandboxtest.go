// Package sandboxtest gives a test a sandbox of its own.
package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/supervisor"
)

// Sandbox is a running sandbox.
type Sandbox struct {
	supervisor.State
	bin string
}

// Options are what a test may ask for.
type Options struct {
	// Args are further arguments of `sandbox up`, such as --no-temporal, "--is-boot", "500ms".
	Args []string
}

// Up starts a sandbox from bin/ in a folder of its own and takes it down when the test ends. Without the programs in
// bin/ the test is skipped, or fails when LOCKSTEP_REQUIRE_SANDBOX=1.
func Up(t testing.TB, o Options) *Sandbox {
	t.Helper()
	bin := programs(t)
	// Not t.TempDir: its path is the test's name and may be long, and the logs are worth keeping when the test fails.
	dir, err := os.MkdirTemp("", "sandbox-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Sandbox{bin: bin}
	s.Dir = dir
	t.Cleanup(func() { s.down(t) })
	s.run(t, append([]string{"up"}, o.Args...)...)
	if err := json.Unmarshal(s.run(t, "status", "-o", "json"), &s.State); err != nil {
		t.Fatalf("reading sandbox status: %v", err)
	}
	return s
}

// programs finds bin/ and what has to be in it.
func programs(t testing.TB) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above the working directory")
		}
		root = filepath.Dir(root)
	}
	bin := filepath.Join(root, "bin")
	missing := controlplane.Missing(bin, append(controlplane.Programs(), "kwok", "temporal", "sandbox")...)
	if len(missing) == 0 {
		return bin
	}
	message := "the sandbox is not built (no " + strings.Join(missing, ", ") + " in bin/); run `make tools bin/sandbox`"
	if os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *Sandbox) down(t testing.TB) {
	args := []string{"down"}
	if t.Failed() {
		t.Logf("the sandbox's logs are in %s", filepath.Join(s.Dir, "logs"))
	} else {
		args = append(args, "--purge")
	}
	s.run(t, args...)
}

// run runs the sandbox program on this sandbox and returns what it prints.
func (s *Sandbox) run(t testing.TB, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "sandbox"), append(args, "--dir", s.Dir)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sandbox %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// Config returns the administrator's access to the API server.
func (s *Sandbox) Config(t testing.TB) *rest.Config {
	t.Helper()
	c, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	c.QPS = -1 // client-go waits after five requests a second, and many tests share a client
	return c
}

// Client returns a client of the API server.
func (s *Sandbox) Client(t testing.TB) kubernetes.Interface {
	t.Helper()
	c, err := kubernetes.NewForConfig(s.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
