package world

import (
	"os"
	"testing"
	"time"

	"lockstep/sandbox/sandboxtest"
)

// Testbed is what a scenario needs of where it runs: a cluster, a Temporal server, and the registry that images are pushed to.
type Testbed interface {
	// Kubeconfig is the file of the cluster's administrator.
	Kubeconfig() string
	// TemporalAddress is host:port of the Temporal server.
	TemporalAddress() string
	// Env points worker and command line at all of it, as NAME=value.
	Env() []string
	// Dir is a folder for logs.
	Dir() string
	// Tags gives the digest of every tag in the registry that Lockstep may change.
	Tags(testing.TB) map[string]string
	// Manifests are all manifests in the registry, tagged or not, as repository@digest; none where they cannot be known.
	Manifests(testing.TB) []string
	// PodLogs are what pods wrote, by where it is.
	PodLogs(testing.TB) map[string][]byte
	// Patience is how long one operation may take.
	Patience() time.Duration
	// Sandbox is nil on another cluster.
	Sandbox() *sandboxtest.Sandbox
}

// What says that scenarios run on another cluster than a sandbox; see docs/testing.md.
const (
	kubeconfigVar  = "LOCKSTEP_TEST_KUBECONFIG"
	environmentVar = "LOCKSTEP_TEST_ENVIRONMENT"
)

// testbed is the cluster that the environment variables name, or a sandbox of the test's own.
func testbed(t testing.TB, bin string) Testbed {
	t.Helper()
	if kubeconfig := os.Getenv(kubeconfigVar); kubeconfig != "" {
		return newRemote(t, kubeconfig, bin)
	}
	return newSandbox(t)
}

// TheSandbox is the sandbox that the scenario runs in. On another cluster the test is skipped, which says what it wants of a sandbox.
func (w *World) TheSandbox(t testing.TB, wants string) *sandboxtest.Sandbox {
	t.Helper()
	s := w.Sandbox()
	if s == nil {
		t.Skipf("needs a sandbox: %s", wants)
	}
	return s
}
