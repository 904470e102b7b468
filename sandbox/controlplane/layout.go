package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"lockstep/sandbox/process"
)

// layout is the ports and files of one control plane.
type layout struct {
	Options
	network                                   Network
	etcdClient, etcdPeer, api, manager, sched int
}

func newLayout(o Options) (*layout, error) {
	l := &layout{Options: o, network: o.network()}
	for _, port := range []*int{&l.etcdClient, &l.etcdPeer, &l.api, &l.manager, &l.sched} {
		var err error
		if *port, err = o.Port(); err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
	}
	for _, dir := range []string{l.path("pki"), l.path("logs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("making folder: %w", err)
		}
	}
	return l, l.writeCertificates()
}

func (o Options) network() Network {
	if o.Network == nil {
		return loopback()
	}
	return *o.Network
}

func (l *layout) path(elem ...string) string {
	return filepath.Join(append([]string{l.Dir}, elem...)...)
}

func (l *layout) pki(name string) string { return l.path("pki", name) }

func (l *layout) url() string { return fmt.Sprintf("https://%s:%d", l.network.Address, l.api) }

// kubeconfig is the administrator's file in Dir itself, and the components' beside their certificates.
func (l *layout) kubeconfig(user string) string {
	if user == "admin" {
		return l.path("kubeconfig")
	}
	return l.pki(user + ".kubeconfig")
}

func (l *layout) program(name string, args ...string) process.Spec {
	return process.Spec{
		Name: name,
		Path: filepath.Join(l.Bin, name),
		Args: args,
		Log:  l.path("logs", name+".log"),
	}
}

func (l *layout) etcd() process.Spec {
	client := fmt.Sprintf("http://127.0.0.1:%d", l.etcdClient)
	peer := fmt.Sprintf("http://127.0.0.1:%d", l.etcdPeer)
	return l.program("etcd",
		"--data-dir="+l.path("etcd"),
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer,
		"--unsafe-no-fsync", // the data lives no longer than the sandbox
		"--log-level=warn",
	)
}

func (l *layout) apiserver() process.Spec {
	args := []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", l.etcdClient),
		fmt.Sprintf("--bind-address=%s", l.network.Address), fmt.Sprintf("--advertise-address=%s", l.network.Address), fmt.Sprintf("--secure-port=%d", l.api),
		"--tls-cert-file=" + l.pki("apiserver.crt"), "--tls-private-key-file=" + l.pki("apiserver.key"),
		"--client-ca-file=" + l.pki("ca.crt"),
		"--authorization-mode=Node,RBAC", "--anonymous-auth=false",
		fmt.Sprintf("--service-cluster-ip-range=%s", l.network.Services),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + l.pki("sa.pub"), "--service-account-signing-key-file=" + l.pki("sa.key"),
		// The kubelet, or kwok in its place, listens with a certificate of its own making.
		"--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true",
		"--shutdown-delay-duration=0s",
	}
	if l.Network == nil {
		// No endpoint for the Service "kubernetes": a loopback address would be refused.
		return l.program("kube-apiserver", append(args, "--endpoint-reconciler-type=none")...)
	}
	return l.program("kube-apiserver", append(args, "--kubelet-client-certificate="+l.pki("kubelet-client.crt"), "--kubelet-client-key="+l.pki("kubelet-client.key"))...)
}

func (l *layout) controllerManager() process.Spec {
	return l.program("kube-controller-manager",
		"--kubeconfig="+l.kubeconfig("controller-manager"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", l.manager),
		"--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+l.pki("sa.key"), "--root-ca-file="+l.pki("ca.crt"),
		"--cluster-signing-cert-file="+l.pki("ca.crt"), "--cluster-signing-key-file="+l.pki("ca.key"),
		// On a busy machine a late heartbeat must not evict pods.
		"--node-monitor-grace-period=10m",
	)
}

func (l *layout) scheduler() process.Spec {
	return l.program("kube-scheduler",
		"--kubeconfig="+l.kubeconfig("scheduler"),
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", l.sched),
		"--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
	)
}
