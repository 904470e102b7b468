package realnode

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheNetworksAreApartAndBelowTheOneRoute(t *testing.T) {
	parts := []netip.Prefix{node, balancers, pods, services}
	for i, one := range parts {
		if !all.Contains(one.Addr()) {
			t.Errorf("the machine's route to %s does not lead to %s", all, one)
		}
		for _, other := range parts[i+1:] {
			if one.Overlaps(other) {
				t.Errorf("%s and %s overlap", one, other)
			}
		}
	}
	if !node.Contains(machine.Addr()) {
		t.Errorf("%s and %s are not on one cable", machine, node)
	}
}

func TestCgroupsAreRemovedFromTheInnermost(t *testing.T) {
	root := filepath.Join(t.TempDir(), "lockstep-node")
	if err := os.MkdirAll(filepath.Join(root, "kubepods", "pod1", "container"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is none
		if err := removeEmpty(root); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the cgroup is still there: %v", err)
	}
}

func TestContainerdAsksOneRegistryAlone(t *testing.T) {
	o := Options{Dir: t.TempDir(), Registry: "10.251.0.2:5000"}
	if err := o.writeConfigs(); err != nil {
		t.Fatal(err)
	}
	hosts, err := os.ReadFile(o.file("certs.d/_default/hosts.toml"))
	if err != nil {
		t.Fatal(err)
	}
	// Without a host table containerd takes the file for none, and asks the registry of the image's name.
	for _, line := range []string{`server = "http://10.251.0.2:5000"`, `[host."http://10.251.0.2:5000"]`} {
		if !strings.Contains(string(hosts), line+"\n") {
			t.Errorf("%s is missing in:\n%s", line, hosts)
		}
	}
}
