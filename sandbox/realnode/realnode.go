// Package realnode is a real Kubernetes node on this machine: kubelet and kube-proxy from the Kubernetes module, CoreDNS from its own,
// and the distribution's containerd, runc and CNI plugins. It takes Linux and root.
//
// All of it runs in namespaces of its own (processes, mounts, network), below a first process that the caller starts with [Namespaces]
// and that runs [Init]. The end of that process is the end of all: the kernel ends every process, mount, interface and packet filter
// with it, however it ended. What stays is cgroups, which [Remove] takes away.
package realnode

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/dns"
	"lockstep/sandbox/node/balancer"
	"lockstep/sandbox/process"
)

// Name is the node's in the cluster.
const Name = "real-node"

// The network: the machine and the node at the ends of a cable, and what the machine reaches by way of the node.
var (
	machine   = netip.MustParsePrefix("10.251.0.1/24")
	node      = netip.MustParsePrefix("10.251.0.2/24")
	balancers = netip.MustParsePrefix("10.251.1.0/24")
	pods      = netip.MustParsePrefix("10.251.64.0/18")
	services  = netip.MustParsePrefix("10.251.128.0/18")
	all       = netip.MustParsePrefix("10.251.0.0/16")
)

// Network is what the control plane has to know of the node.
func Network() controlplane.Network {
	return controlplane.Network{Address: node.Addr(), Services: services, Node: Name}
}

// Options say where a node lives.
type Options struct {
	// Dir is the folder of the sandbox: pki, data, logs.
	Dir string
	// Bin is the folder of kubelet, kube-proxy and coredns.
	Bin string
	// Kubeconfig is the administrator's.
	Kubeconfig string
	// Registry is host:port of the registry that has all images, whatever registry their names say.
	Registry string
	// Start runs one program and keeps it alive.
	Start func(process.Spec) (*process.Process, error)
	Log   *slog.Logger
}

// Start brings up the node's programs. The node is ready some seconds later, when Kubernetes says so.
func Start(ctx context.Context, o Options) error {
	if err := o.writeConfigs(); err != nil {
		return err
	}
	for _, part := range []struct {
		spec  process.Spec
		ready func(context.Context) error
	}{
		{o.program("containerd", "containerd", "--config="+o.file("containerd.toml")), socketAnswers},
		{o.program("kubelet", filepath.Join(o.Bin, "kubelet"), "--config="+o.file("kubelet.yaml"), "--kubeconfig="+o.pki("kubelet.kubeconfig"),
			"--hostname-override="+Name, "--node-ip="+node.Addr().String()), answers("http://127.0.0.1:10248/healthz")},
		{o.program("kube-proxy", filepath.Join(o.Bin, "kube-proxy"), "--config="+o.file("kube-proxy.yaml")), answers("http://127.0.0.1:10256/livez")},
		{o.program("coredns", filepath.Join(o.Bin, "coredns"), "-conf="+o.file("Corefile")), namesResolve},
	} {
		running, err := o.Start(part.spec)
		if err != nil {
			return err
		}
		if err := running.Ready(ctx, part.ready); err != nil {
			return err
		}
	}
	return nil
}

// Balance gives Services of type LoadBalancer their addresses, until ctx ends. kube-proxy forwards what reaches the node there.
func Balance(ctx context.Context, o Options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making client: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	found := factory.Core().V1().Services()
	b := balancer.New(balancer.Options{Client: client, Index: dns.Index{Services: found.Lister()}, Range: balancers, Log: o.Log}, found.Informer())
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return b.Run(ctx)
}

func (o Options) file(name string) string { return filepath.Join(o.Dir, Folder, name) }

func (o Options) pki(name string) string { return filepath.Join(o.Dir, "pki", name) }

func (o Options) program(name, path string, args ...string) process.Spec {
	return process.Spec{Name: name, Path: path, Args: args, Log: filepath.Join(o.Dir, "logs", name+".log")}
}

func socketAnswers(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", containerdSocket)
	if err != nil {
		return err
	}
	return conn.Close()
}

func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// namesResolve asks for a name that every cluster has.
func namesResolve(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, netip.AddrPortFrom(node.Addr(), 53).String())
	}}
	_, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
	return err
}

// makeFolder makes a folder below the node's.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("making folder of the node: %w", err)
	}
	return nil
}
