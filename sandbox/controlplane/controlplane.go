// Package controlplane runs a real Kubernetes control plane and a real Temporal dev server on loopback, from the
// binaries that tools/ builds.
package controlplane

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/sandbox/process"
)

// Programs are the binaries a control plane needs, by file name.
func Programs() []string {
	return []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
}

// Options say where a control plane lives.
type Options struct {
	// Dir gets data, certificates and kubeconfigs; logs go to Dir/logs.
	Dir string
	// Bin is the folder of the binaries.
	Bin string
	// Port returns a free loopback port at each call.
	Port func() (int, error)
	// Network is that of a real node; nil is loopback.
	Network *Network
	// Start runs one program. The caller keeps it alive and stops it; see package supervisor.
	Start func(process.Spec) (*process.Process, error)
}

// Network is what a control plane has to know of a real node: pods reach the API server, and Services have addresses at which
// somebody listens.
type Network struct {
	// Address is the node's, where API server and Temporal listen.
	Address netip.Addr
	// Services is where Services get their addresses.
	Services netip.Prefix
	// Node is its name.
	Node string
}

// ControlPlane is a running Kubernetes control plane.
type ControlPlane struct {
	// Kubeconfig is the file of the administrator (group system:masters).
	Kubeconfig string
	// URL is the API server's.
	URL string
}

// loopback is the network without a real node. Nobody listens at the addresses of its Services, and nobody shall: a webhook that the
// API server calls is refused at once, where an address of some network might let it wait for its time-out.
func loopback() Network {
	return Network{Address: netip.AddrFrom4([4]byte{127, 0, 0, 1}), Services: netip.MustParsePrefix("127.255.0.0/16")}
}

// Start brings up etcd, the API server, the controller manager and the scheduler, and returns when the API server is
// ready and the controllers work.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	l, err := newLayout(o)
	if err != nil {
		return nil, err
	}
	if _, err := o.Start(l.etcd()); err != nil {
		return nil, err
	}
	api, err := o.Start(l.apiserver())
	if err != nil {
		return nil, err
	}
	client, err := clientFor(l.kubeconfig("admin"))
	if err != nil {
		return nil, err
	}
	if err := api.Ready(ctx, func(ctx context.Context) error { return ready(ctx, client) }); err != nil {
		return nil, err
	}
	manager, err := o.Start(l.controllerManager())
	if err != nil {
		return nil, err
	}
	scheduler, err := o.Start(l.scheduler())
	if err != nil {
		return nil, err
	}
	// Pods are refused in a namespace until the controllers have made its service account.
	err = manager.Ready(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = scheduler.Ready(ctx, l.schedulerReady)
	return &ControlPlane{Kubeconfig: l.kubeconfig("admin"), URL: l.url()}, err
}

func ready(ctx context.Context, client *kubernetes.Clientset) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func (l *layout) schedulerReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/readyz", l.sched), nil)
	if err != nil {
		return fmt.Errorf("asking the scheduler: %w", err)
	}
	// The scheduler makes its certificate itself, in memory; the question holds no secret.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("asking the scheduler: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the scheduler answers %s", response.Status)
	}
	return nil
}

func clientFor(kubeconfig string) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making client: %w", err)
	}
	return client, nil
}

// Missing returns those of programs that are not in the folder bin.
func Missing(bin string, programs ...string) []string {
	var missing []string
	for _, p := range programs {
		if info, err := os.Stat(filepath.Join(bin, p)); err != nil || info.Mode()&0o111 == 0 {
			missing = append(missing, p)
		}
	}
	return missing
}
