// Package testbed is where tests of whole operations run: in a sandbox of their own, or on a cluster whose kubeconfig is given.
package testbed

import (
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

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
	// WorkerImage is the image of the worker, where that runs as a pod; "" where it is a process.
	WorkerImage() string
	// Sandbox is nil on another cluster.
	Sandbox() *sandboxtest.Sandbox
}

// What says that tests run on another cluster than a sandbox; see docs/testing.md.
const (
	kubeconfigVar  = "LOCKSTEP_TEST_KUBECONFIG"
	environmentVar = "LOCKSTEP_TEST_ENVIRONMENT"
	workerVar      = "LOCKSTEP_TEST_WORKER"   // image
	temporalVar    = "LOCKSTEP_TEST_TEMPORAL" // host:port of a server to use, which pods reach too
	clusterVar     = "LOCKSTEP_TEST_CLUSTER"
)

// New is the cluster that the environment variables name, or a sandbox of the test's own. Programs are looked for in bin.
func New(t testing.TB, bin string) Testbed {
	t.Helper()
	if kubeconfig := os.Getenv(kubeconfigVar); kubeconfig != "" {
		return newOther(t, kubeconfig, bin)
	}
	return NewSandbox(t)
}

// OnlyInSandbox fails a test that cannot run on the cluster that the environment variables name: it says what it wants of a sandbox.
func OnlyInSandbox(t testing.TB, wants string) {
	t.Helper()
	if why := refusal(wants); why != "" {
		t.Fatal(why)
	}
}

// refusal says why a test does not run on the cluster that is named; empty: none is.
func refusal(wants string) string {
	kubeconfig := os.Getenv(kubeconfigVar)
	if kubeconfig == "" {
		return ""
	}
	return fmt.Sprintf("This test needs a sandbox: %s. It cannot run on the cluster of %s. Run it without KUBECONFIG=… and without %s; docs/testing.md says which tests run on another cluster.",
		wants, kubeconfig, kubeconfigVar)
}

// Config is the administrator's access to the API server.
func Config(t testing.TB, bed Testbed) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", bed.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// Client is a client of the API server.
func Client(t testing.TB, bed Testbed) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(Config(t, bed))
	if err != nil {
		t.Fatal(err)
	}
	return client
}
