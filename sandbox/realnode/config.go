package realnode

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	// Folder is the node's in the sandbox's.
	Folder = "machine"
	// containerdSocket is in the node's own /run.
	containerdSocket = "/run/containerd/containerd.sock"
	// cniPlugins is where Debian and Ubuntu have them.
	cniPlugins = "/usr/lib/cni"
	// PauseImage holds the namespaces of a pod.
	PauseImage = "registry.lockstep.test/pause:1"
)

// writeConfigs writes what the programs read.
func (o Options) writeConfigs() error {
	for name, text := range map[string]string{
		"containerd.toml":             o.containerd(),
		"certs.d/_default/hosts.toml": o.hosts(),
		"cni/10-pods.conflist":        o.network(),
		"kubelet.yaml":                o.kubelet(),
		"kube-proxy.yaml":             o.kubeProxy(),
		"Corefile":                    o.corefile(),
	} {
		path := o.file(name)
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing configuration of the node: %w", err)
		}
	}
	return nil
}

// hosts is where containerd asks for whatever image. Without a host of its own a file counts as none.
func (o Options) hosts() string {
	url := "http://" + o.Registry
	return fmt.Sprintf("server = %q\n[host.%q]\ncapabilities = [\"pull\", \"resolve\"]\n", url, url)
}

// containerd has nothing that only some machines have.
func (o Options) containerd() string {
	return fmt.Sprintf(`version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
address = %q
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
# Not every root may lower it.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %q
conf_dir = %q
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = %q
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
`, containerdSocket, PauseImage, cniPlugins, o.file("cni"), o.file("certs.d"))
}

// network gives each pod a cable to the node. A bridge would need packet filters between its ports, for replies from the pods of
// a Service to pass the node again.
func (o Options) network() string {
	return fmt.Sprintf(`{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "ptp", "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
`, pods)
}

func (o Options) kubelet() string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %q}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://%s
clusterDNS: [%s]
clusterDomain: cluster.local
resolvConf: ""
# Everything below one cgroup, which can be taken away; with version 1 of cgroups too.
cgroupDriver: cgroupfs
cgroupRoot: %s
failCgroupV1: false
enforceNodeAllocatable: []
# The machine is somebody's: it may have swap and a full disk.
failSwapOn: false
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%", imagefs.inodesFree: "0%%"}
imageGCHighThresholdPercent: 100
makeIPTablesUtilChains: false
serializeImagePulls: false
`, o.pki("ca.crt"), containerdSocket, node.Addr(), cgroup)
}

func (o Options) kubeProxy() string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: %q}
hostnameOverride: %s
clusterCIDR: %s
# These are the machine's, not the node's.
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, o.pki("kube-proxy.kubeconfig"), Name, pods)
}

// corefile knows the cluster's names. All others are unknown, not unreachable: the node has no way out.
func (o Options) corefile() string {
	return fmt.Sprintf(`cluster.local:53 {
    bind %[1]s
    errors
    kubernetes {
        kubeconfig %[2]s
        ttl 1
    }
}
.:53 {
    bind %[1]s
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`, node.Addr(), o.Kubeconfig)
}
