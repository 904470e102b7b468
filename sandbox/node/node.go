// Package node is the sandbox's one Kubernetes node. kwok gives it what needs no pods of its own: heartbeats, lease and
// the kubelet's server for logs, exec and port-forward. This package is the rest of a kubelet, for simulated programs
// instead of containers: it resolves images, lays out their files and the pod's volumes in a directory, starts the
// program that stands for the image, probes it, restarts it, and tells all that in pod statuses and events with a
// kubelet's words, because that is what a diagnosis reads.
//
// Known gaps: no lifecycle hooks, no users, limits or isolation, no persistent volumes, no sidecar (restartable init)
// containers, no gRPC probes, and a volume's files are those of the time the container started.
package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"

	"lockstep/sandbox/dns"
	"lockstep/sandbox/node/balancer"
	"lockstep/sandbox/node/image"
	"lockstep/sandbox/node/kwok"
	"lockstep/sandbox/simulate"
)

// node is what all pods of this node share.
type node struct {
	Options
	client    kubernetes.Interface
	access    *kwok.Access
	images    *image.Store
	addresses *addresses
	events    record.EventRecorder
	index     dns.Index
	apiServer string // its URL
}

// Run registers the node and serves it, with kwok and the sandbox DNS, until ctx ends; then it returns nil, having
// stopped every process it started. Pods stay bound to the node and are taken up again by the next Run.
func Run(ctx context.Context, options Options) error {
	options, err := options.complete()
	if err != nil {
		return fmt.Errorf("starting the sandbox node: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", options.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig of the sandbox node: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting the sandbox node: %w", err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("connecting the sandbox node: %w", err)
	}
	events, stopEvents := newRecorder(client)
	defer stopEvents()

	n := &node{
		Options:   options,
		client:    client,
		access:    &kwok.Access{Objects: objects},
		images:    image.NewStore(filepath.Join(options.Dir, "layers"), options.RegistryAddr),
		addresses: newAddresses(options.Instance),
		events:    events,
		apiServer: config.Host,
	}
	if err := n.access.Install(ctx); err != nil {
		return fmt.Errorf("installing kwok's resource types: %w", err)
	}
	if err := n.register(ctx); err != nil {
		return fmt.Errorf("registering the sandbox node: %w", err)
	}
	if err := n.serve(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// serve runs the node's parts side by side; the first that fails ends them all.
func (n *node) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	factory := informers.NewSharedInformerFactory(n.client, 0)
	services, endpoints := factory.Core().V1().Services(), factory.Discovery().V1().EndpointSlices()
	n.index = dns.Index{Services: services.Lister(), Slices: endpoints.Lister(), Instance: n.Instance}
	endpoints.Informer()
	balancing := balancer.New(balancer.Options{
		Client: n.client, Index: n.index, Log: n.Log,
		Range: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n.Instance), 255, 0}), 24),
		Host:  func(address netip.Addr) netip.Addr { return simulate.OnHost(address, n.Instance) },
	}, services.Informer())
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	group.Go(func() error { return dns.Serve(ctx, DNSAddress(n.Instance), n.index) })
	group.Go(func() error { return kwok.Run(ctx, n.kwok()) })
	group.Go(func() error { return balancing.Run(ctx) })
	group.Go(func() error { return n.runPods(ctx) })
	return group.Wait()
}

func (n *node) kwok() kwok.Options {
	return kwok.Options{
		Dir: filepath.Join(n.Dir, "kwok"), LogDir: filepath.Join(n.Dir, "logs"),
		Binary: n.KwokBinary, Kubeconfig: n.Kubeconfig,
		Node: Name, Address: kubeletAddress(n.Instance), Port: kubeletPort,
		Log: n.Log, FreeLease: n.freeLease,
	}
}

// serverVersion is the API server's version, which the node reports as its kubelet's.
func serverVersion(client discovery.ServerVersionInterface) string {
	version, err := client.ServerVersion()
	if err != nil {
		return "unknown"
	}
	return version.GitVersion
}
