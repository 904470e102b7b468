// Package e2e proves whole operations: the worker and the command line, as processes, on a sandbox of their own.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/sandbox/sandboxtest"
	"lockstep/workflows"
)

// The environment of examples/quickstart.yaml.
const (
	environment = "quickstart"
	namespace   = "apim"
	admin       = "admin"
)

// Exit codes of the command line.
const (
	done       = 0
	failed     = 1
	badInput   = 2
	rolledBack = 3
	busy       = 4
	detached   = 130
)

// world is a sandbox with a worker, and one environment that the tests bring into the state they need.
type world struct {
	*sandboxtest.Sandbox
	bin      string
	cluster  *cluster.Client
	temporal client.Client

	worker *exec.Cmd
	cache  string // the worker's
	// secrets are what must be seen nowhere but in Secrets, by name.
	secrets map[string][]byte

	mu         sync.Mutex
	transcript bytes.Buffer // of everything that the command line printed
}

func start(t *testing.T, args ...string) *world {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join("..", "..", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"worker", "lockstep"} {
		if _, err := os.Stat(filepath.Join(bin, program)); err == nil {
			continue
		}
		message := "no " + program + " in bin/; run `make build`"
		if os.Getenv("LOCKSTEP_REQUIRE_SANDBOX") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	w := &world{bin: bin, secrets: map[string][]byte{}, cache: t.TempDir(), Sandbox: sandboxtest.Up(t, sandboxtest.Options{Args: append(args, "--is-boot", "1s", "--apim-boot", "2s", "--probe-scale", "4")})}
	if w.cluster, err = cluster.NewForConfig(w.Config(t)); err != nil {
		t.Fatal(err)
	}
	w.temporal, err = client.Dial(client.Options{HostPort: w.TemporalAddress, Logger: sdklog.NewStructuredLogger(nil)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.temporal.Close)
	w.startWorker(t)
	t.Cleanup(func() { w.stopWorker(t, syscall.SIGTERM) })
	return w
}

func (w *world) workerLog() string { return filepath.Join(w.Dir, "logs", "worker.log") }

func (w *world) startWorker(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(w.workerLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	before, _ := os.ReadFile(w.workerLog())
	w.worker = w.command("worker", "--cache-dir", w.cache)
	w.worker.Stdout, w.worker.Stderr = log, log
	if err := w.worker.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is ready", func() bool {
		now, _ := os.ReadFile(w.workerLog())
		return bytes.Contains(now[len(before):], []byte("Worker ready"))
	})
}

func (w *world) stopWorker(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := w.worker.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = w.worker.Wait()
}

func (w *world) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(w.bin, program), args...)
	cmd.Env = append(os.Environ(), w.Env()...)
	return cmd
}

// call is one run of the command line.
type call struct {
	w        *world
	cmd      *exec.Cmd
	out, err bytes.Buffer
	ended    chan error
}

// said is how a call ended.
type said struct {
	code     int
	out, err string
}

func (w *world) begin(t *testing.T, args ...string) *call {
	t.Helper()
	c := &call{w: w, cmd: w.command("lockstep", args...), ended: make(chan error, 1)}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.err
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	return c
}

func (c *call) end(t *testing.T) said {
	t.Helper()
	select {
	case err := <-c.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(4 * time.Minute):
		_ = c.cmd.Process.Kill()
		<-c.ended
		t.Fatalf("%s does not end:\n%s", strings.Join(c.cmd.Args, " "), &c.err)
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.transcript.Write(c.out.Bytes())
	c.w.transcript.Write(c.err.Bytes())
	return said{code: c.cmd.ProcessState.ExitCode(), out: c.out.String(), err: c.err.String()}
}

func (w *world) lockstep(t *testing.T, args ...string) said {
	t.Helper()
	return w.begin(t, args...).end(t)
}

// expect runs the command line, which must end with code.
func (w *world) expect(t *testing.T, code int, args ...string) said {
	t.Helper()
	said := w.lockstep(t, args...)
	if said.code != code {
		t.Fatalf("lockstep %s ends with %d, want %d:\n%s%s", strings.Join(args, " "), said.code, code, said.out, said.err)
	}
	return said
}

func (s said) says(t *testing.T, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(s.out+s.err, part) {
			t.Errorf("nothing is said of %q:\n%s%s", part, s.out, s.err)
		}
	}
}

// file is examples/quickstart.yaml with some fields, as image.base, set to other values.
func file(t *testing.T, changes map[string]any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "quickstart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]any{}
	if err := yaml.Unmarshal(text, &env); err != nil {
		t.Fatal(err)
	}
	for path, value := range changes {
		if err := unstructured.SetNestedField(env, value, strings.Split(path, ".")...); err != nil {
			t.Fatal(err)
		}
	}
	if text, err = yaml.Marshal(env); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "environment.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome is what deploy -o json prints.
type outcome struct {
	Outcome string            `json:"outcome"`
	Error   string            `json:"error"`
	Result  activities.Report `json:"result"`
	Status  workflows.Status  `json:"status"`
}

// deployed brings the environment of examples/quickstart.yaml there, if it is not.
func (w *world) deployed(t *testing.T) outcome {
	t.Helper()
	said := w.expect(t, done, "deploy", "-f", file(t, nil), "-o", "json")
	var o outcome
	if err := json.Unmarshal([]byte(said.out), &o); err != nil {
		t.Fatalf("%v:\n%s", err, said.out)
	}
	return o
}

// absent removes the environment with everything that Lockstep made, if there is any of it.
func (w *world) absent(t *testing.T) {
	t.Helper()
	if _, found, err := w.cluster.Get(t.Context(), cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: namespace}); err != nil {
		t.Fatal(err)
	} else if found {
		w.expect(t, done, "teardown", "--purge", "-f", file(t, nil))
	}
}

// removed takes the environment down, if it is there, but for its certificates and credentials.
func (w *world) removed(t *testing.T) {
	t.Helper()
	if len(w.revisions(t)) > 0 {
		w.expect(t, done, "teardown", "-f", file(t, nil))
	}
}

// run is the run id of the newest operation on the environment, "" if there was none.
func (w *world) run(t *testing.T) string {
	t.Helper()
	d, err := w.temporal.DescribeWorkflowExecution(t.Context(), workflows.CanonicalID(environment), "")
	if err != nil {
		return ""
	}
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// until waits until a step of the newest operation is in the state.
func (w *world) until(t *testing.T, step, state string) {
	t.Helper()
	eventually(t, "step "+step+" is "+state, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		answer, err := w.temporal.QueryWorkflow(ctx, workflows.CanonicalID(environment), "", workflows.QueryStatus)
		if err != nil {
			return false
		}
		var status workflows.Status
		if err := answer.Get(&status); err != nil {
			t.Fatal(err)
		}
		for _, s := range status.Steps {
			if s.Name == step {
				return s.State == state
			}
		}
		return false
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(2 * time.Minute); !holds(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within 2 minutes: %s", what)
		}
	}
}
