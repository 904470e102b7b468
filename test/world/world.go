// Package world is a cluster with a worker and an environment, for tests of whole operations: it brings the environment into the
// state a test needs, runs the command line as a process, and compares the cluster with how it was. Package
// testbed says which cluster that is.
package world

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"lockstep/internal/cluster"
	"lockstep/internal/portforward"
	"lockstep/sandbox/process"
	"lockstep/sandbox/sandboxtest"
	"lockstep/test/testbed"
)

// The environment of examples/quickstart.yaml.
const (
	Environment = testbed.Name
	Namespace   = testbed.Namespace
	Admin       = "admin"
)

// Exit codes of the command line.
const (
	Done       = 0
	Failed     = 1
	BadInput   = 2
	RolledBack = 3
	Busy       = 4
	NotThere   = 6
	Drifted    = 7
	Detached   = 130
)

// World is a testbed with a worker, and one environment that the tests bring into the state they need.
type World struct {
	testbed.Testbed
	bin      string
	Cluster  *cluster.Client
	Dialer   *portforward.Dialer
	Temporal client.Client

	// Worker is the newest worker process; nil where the worker is a pod.
	Worker *exec.Cmd
	cache  string // the worker's
	// accountMade says that there is an account for workers that are pods.
	accountMade bool
	// Clusters is the folder of cluster files, of worker and command line.
	Clusters string
	// Secrets are what must be seen nowhere but in Secrets, by name.
	Secrets map[string][]byte

	mu         sync.Mutex
	transcript bytes.Buffer      // of everything that the command line printed
	seen       map[string][]byte // what [World.Watch] kept, by where it was
}

// Start starts a worker on the cluster that LOCKSTEP_TEST_KUBECONFIG names, or in a sandbox of the test's own. It skips like
// [sandboxtest.Up].
func Start(t testing.TB) *World {
	t.Helper()
	bin := sandboxtest.Bin(t, "worker", "lockstep")
	w := start(t, bin, testbed.New(t, bin))
	if w.Sandbox() == nil {
		t.Cleanup(func() { w.remove(t) }) // before the worker stops
	}
	return w
}

// InSandbox starts a worker in a sandbox, for a test that cannot run on another cluster, because of what it wants of a sandbox. args are
// further arguments of `sandbox up`. It skips like [sandboxtest.Up].
func InSandbox(t testing.TB, wants string, args ...string) *World {
	t.Helper()
	testbed.OnlyInSandbox(t, wants)
	return start(t, sandboxtest.Bin(t, "worker", "lockstep"), testbed.NewSandbox(t, args...))
}

func start(t testing.TB, bin string, bed testbed.Testbed) *World {
	t.Helper()
	w := &World{bin: bin, Secrets: map[string][]byte{}, seen: map[string][]byte{}, cache: t.TempDir(), Clusters: testbed.Clusters(t), Testbed: bed}
	var err error
	if w.Cluster, err = cluster.NewForConfig(w.Config(t)); err != nil {
		t.Fatal(err)
	}
	w.Dialer = portforward.New(w.Cluster)
	w.Temporal, err = client.Dial(client.Options{HostPort: w.TemporalAddress(), Logger: sdklog.NewStructuredLogger(nil)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Temporal.Close)
	w.StartWorker(t)
	t.Cleanup(func() { w.StopWorker(t, syscall.SIGTERM) })
	return w
}

// Config is the administrator's access to the API server.
func (w *World) Config(t testing.TB) *rest.Config {
	t.Helper()
	return testbed.Config(t, w)
}

// Client is a client of the API server.
func (w *World) Client(t testing.TB) kubernetes.Interface {
	t.Helper()
	return testbed.Client(t, w)
}

// WorkerLog is the file that all workers write to.
func (w *World) WorkerLog() string { return filepath.Join(w.Dir(), "logs", "worker.log") }

// StartWorker starts a worker and returns when it is ready.
func (w *World) StartWorker(t testing.TB) {
	t.Helper()
	if w.WorkerImage() != "" {
		w.startPod(t)
		return
	}
	log, err := os.OpenFile(w.WorkerLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	before, _ := os.ReadFile(w.WorkerLog())
	w.Worker = w.Command("worker", "--cache-dir", w.cache)
	w.Worker.Stdout, w.Worker.Stderr = log, log
	if err := process.StartChild(w.Worker); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "the worker is ready", func() bool {
		now, _ := os.ReadFile(w.WorkerLog())
		return bytes.Contains(now[len(before):], []byte("Worker ready"))
	})
}

// StopWorker sends the worker a signal and waits for its end.
func (w *World) StopWorker(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if w.WorkerImage() != "" {
		w.stopPod(t, signal)
		return
	}
	if err := w.Worker.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	_ = w.Worker.Wait()
}

// Command is a program of bin/ that finds the testbed by its environment.
func (w *World) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(w.bin, program), args...)
	cmd.Env = append(append(os.Environ(), w.Env()...), "LOCKSTEP_CLUSTERS="+w.Clusters)
	return cmd
}
