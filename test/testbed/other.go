package testbed

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/config/mirror"
	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/process"
	"lockstep/sandbox/sandboxtest"
)

// other is a cluster that somebody else made. Temporal is a dev server of the test's own, unless one is named; images go where the environment file says,
// as LOCKSTEP_MIRRORS leads there.
type other struct {
	kubeconfig, temporal, dir string
}

// namespaces are those that the tests make and remove.
var namespaces = []string{Namespace, Second, Beside, "envoy-gateway-system"}

func newOther(t testing.TB, kubeconfig, bin string) other {
	t.Helper()
	path, err := filepath.Abs(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	o := other{kubeconfig: path, dir: t.TempDir()}
	client := Client(t, o)
	for _, name := range namespaces {
		if _, err := client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err == nil {
			t.Fatalf("Namespace %s exists in the cluster of %s. The tests make and remove it: delete it, or choose another cluster.", name, kubeconfig)
		} else if !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(o.dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if o.temporal = os.Getenv(temporalVar); o.temporal == "" {
		if o.WorkerImage() != "" {
			t.Fatalf("%s is set, and %s is not: a worker that is a pod has to reach Temporal, so give host:port of a server that pods reach", workerVar, temporalVar)
		}
		o.temporal = startTemporal(t, o.dir, bin)
	}
	return o
}

// startTemporal starts a dev server, which ends with the test.
func startTemporal(t testing.TB, dir, bin string) (address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := controlplane.StartTemporal(ctx, controlplane.Options{Dir: dir, Bin: bin, Port: process.FreePort,
		Start: func(spec process.Spec) (*process.Process, error) {
			p, err := process.Start(spec)
			if err == nil {
				t.Cleanup(func() { p.Stop(10 * time.Second) })
			}
			return p, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	return server.Address
}

func (o other) Kubeconfig() string            { return o.kubeconfig }
func (o other) TemporalAddress() string       { return o.temporal }
func (o other) Dir() string                   { return o.dir }
func (o other) Patience() time.Duration       { return 30 * time.Minute }
func (o other) Manifests(testing.TB) []string { return nil }
func (o other) WorkerImage() string           { return os.Getenv(workerVar) }
func (o other) Sandbox() *sandboxtest.Sandbox { return nil }
func (o other) Env() []string {
	return []string{"KUBECONFIG=" + o.kubeconfig, "TEMPORAL_ADDRESS=" + o.temporal}
}

// Tags is the tag that the environment's image is pushed under, if it is there.
func (o other) Tags(t testing.TB) map[string]string {
	t.Helper()
	target := Target(t)
	mirrors, err := mirror.Parse(os.Getenv("LOCKSTEP_MIRRORS"))
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(target)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, plain := mirrors.Registry(tag.RegistryStr())
	var options []name.Option
	if plain {
		options = append(options, name.Insecure)
	}
	if tag, err = name.NewTag(endpoint+"/"+tag.RepositoryStr()+":"+tag.TagStr(), options...); err != nil {
		t.Fatal(err)
	}
	found, err := remote.Head(tag, remote.WithContext(t.Context()), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	var refused *transport.Error
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound:
		return nil
	case err != nil:
		t.Fatal(err)
	}
	return map[string]string{target: found.Digest.String()}
}

// PodLogs are asked for of the API server.
func (o other) PodLogs(t testing.TB) map[string][]byte {
	t.Helper()
	client, logs := Client(t, o), map[string][]byte{}
	for _, namespace := range namespaces {
		pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range pods.Items {
			for _, container := range pod.Spec.Containers {
				text, err := client.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container.Name}).DoRaw(t.Context())
				if err == nil { // else it does not run yet, or has gone
					logs[namespace+"/"+pod.Name+"/"+container.Name] = text
				}
			}
		}
	}
	return logs
}
