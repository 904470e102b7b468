package node

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Name is the name of the node.
const Name = "sandbox"

// Options says where a node works and how fast it does what a kubelet does.
type Options struct {
	Dir          string                   // state: files and logs of pods, images, kwok's configuration
	Kubeconfig   string                   // administrator of the sandbox's cluster; also given to simulated programs
	Instance     int                      // 1..250: pods are 10.S.x.y in the cluster and 127.S.x.y on the host
	Binary       string                   // runs a pod's program as: <Binary> simulate <program>
	Real         string                   // folder of real programs, by the names that image labels give them; "" if all are simulated
	KwokBinary   string                   //
	RegistryAddr string                   // host:port of the registry, plain HTTP, that has every image, whatever its host
	Boot         map[string]time.Duration // boot time by program; 0 if absent
	ProbeScale   float64                  // divides the durations of probes and of back-offs; default 1, as a real node
	Faults       string                   // file of faults for simulated programs; default <Dir>/faults.yaml, may be absent
	Capacity     corev1.ResourceList      // default 16 CPUs, 32Gi, 110 pods
	Log          *slog.Logger             // default: none
}

// DNSAddress is where the node of a sandbox instance serves the sandbox DNS.
func DNSAddress(instance int) string { return fmt.Sprintf("127.%d.0.1:10053", instance) }

// kubeletAddress and kubeletPort are where kwok serves the kubelet API. Each instance has an address of its own, so
// fixed ports do not clash.
func kubeletAddress(instance int) string { return fmt.Sprintf("127.%d.0.1", instance) }

const kubeletPort = 30250 // not 10250, which a kubelet of the user's has on all addresses

func (o Options) complete() (Options, error) {
	var problems []error
	for _, required := range []struct{ name, value string }{
		{"Dir", o.Dir}, {"Kubeconfig", o.Kubeconfig}, {"Binary", o.Binary}, {"KwokBinary", o.KwokBinary}, {"RegistryAddr", o.RegistryAddr},
	} {
		if required.value == "" {
			problems = append(problems, fmt.Errorf("option %s is missing", required.name))
		}
	}
	if o.Instance < 1 || o.Instance > 250 {
		problems = append(problems, fmt.Errorf("option Instance %d is not between 1 and 250", o.Instance))
	}
	if o.ProbeScale <= 0 {
		o.ProbeScale = 1
	}
	if o.Capacity == nil {
		o.Capacity = corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse("16"),
			corev1.ResourceMemory:           resource.MustParse("32Gi"),
			corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
			corev1.ResourcePods:             resource.MustParse("110"),
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	// Programs run in directories of their own, so no path may be relative to this process's.
	for _, path := range []*string{&o.Dir, &o.Kubeconfig, &o.Binary, &o.KwokBinary, &o.Real} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			problems = append(problems, err)
		}
		*path = absolute
	}
	if o.Faults == "" {
		o.Faults = filepath.Join(o.Dir, "faults.yaml")
	}
	if err := errors.Join(problems...); err != nil {
		return o, err
	}
	return o, os.MkdirAll(o.Dir, 0o755)
}

func (o Options) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / o.ProbeScale)
}
