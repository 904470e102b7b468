// Package sandboxtest gives a test a sandbox of its own, or one that it shares with the others of its package.
package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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
	bin := Bin(t, programs()...)
	s, err := start(bin, o)
	if s == nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the sandbox's logs are in %s", filepath.Join(s.Dir, "logs"))
		}
		if err := s.down(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("gateway", s.Gateway)
	return s
}

func (s *Sandbox) up(o Options) error {
	if _, err := s.command(append([]string{"up", "--attached"}, o.Args...)...); err != nil {
		return err
	}
	status, err := s.command("status", "-o", "json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(status, &s.State); err != nil {
		return fmt.Errorf("reading sandbox status: %w", err)
	}
	return nil
}

// programs are those that a sandbox is made of.
func programs() []string { return append(controlplane.Programs(), "kwok", "temporal", "sandbox") }

// Bin is the folder bin/ of the repository, in which the programs have to be. Otherwise the test is skipped, or fails when
// LOCKSTEP_REQUIRE_SANDBOX=1; and -short leaves out every test that needs them.
func Bin(t testing.TB, programs ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs the programs in bin/")
	}
	bin := filepath.Join(root(t), "bin")
	missing := controlplane.Missing(bin, programs...)
	if len(missing) == 0 {
		return bin
	}
	message := "no " + strings.Join(missing, ", ") + " in bin/; run `make tools build`"
	if os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// down keeps the logs of a sandbox in which something failed.
func (s *Sandbox) down(failed bool) error {
	args := []string{"down"}
	if !failed {
		args = append(args, "--purge")
	}
	_, err := s.command(args...)
	return err
}

// run runs the sandbox program on this sandbox and returns what it prints.
func (s *Sandbox) run(t testing.TB, args ...string) []byte {
	t.Helper()
	out, err := s.command(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// held is a pipe that this process holds open at one end: what reads from the other one, as sandboxes do that it starts, learns when this
// process ends, even if it is killed.
var held = sync.OnceValues(func() (pipe [2]*os.File, err error) {
	pipe[0], pipe[1], err = os.Pipe()
	return pipe, err
})

// hold makes a command end with this process, if it asks for that.
func hold(cmd *exec.Cmd) error {
	pipe, err := held()
	if err != nil {
		return fmt.Errorf("making a pipe to a sandbox: %w", err)
	}
	cmd.Stdin = pipe[0]
	return nil
}

func (s *Sandbox) command(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "sandbox"), append(args, "--dir", s.Dir)...)
	if err := hold(cmd); err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sandbox %s: %w\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out, nil
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
