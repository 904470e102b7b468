package realnode

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"lockstep/sandbox/controlplane"
)

// Packages are those of Debian and Ubuntu that a node takes.
const Packages = "containerd runc containernetworking-plugins nftables conntrack iproute2 busybox bash"

// Programs are the binaries of bin/ that a node takes besides the control plane's.
func Programs() []string { return []string{"kubelet", "kube-proxy", "coredns"} }

// Shell finds busybox and bash, for images that have no shell of their own.
func Shell() (busybox, bash string, err error) {
	if busybox, err = exec.LookPath("busybox"); err == nil {
		bash, err = exec.LookPath("bash")
	}
	if err != nil {
		return "", "", fmt.Errorf("finding a shell for images: %w", err)
	}
	return busybox, bash, nil
}

// Check says what a node lacks here.
func Check(dir, bin string) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("starting a real node: it takes Linux, this is %s; use a sandbox without it, or kind", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("starting a real node: only root may make containers and networks; run it as root, or use a sandbox without it, or kind")
	}
	for _, hidden := range []string{"/var", "/run", "/proc", "/sys"} {
		if strings.HasPrefix(dir+"/", hidden+"/") {
			return fmt.Errorf("starting a real node: its folder %s is below %s, where the node has folders of its own; give --dir another place", dir, hidden)
		}
	}
	if missing := controlplane.Missing(bin, Programs()...); len(missing) > 0 {
		return fmt.Errorf("starting a real node: %s has no %s; run `make node-tools`", bin, strings.Join(missing, ", "))
	}
	var missing []string
	for _, program := range []string{"containerd", "containerd-shim-runc-v2", "runc", "nft", "conntrack", "ip", "busybox", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	for _, plugin := range []string{"loopback", "ptp", "host-local"} {
		if _, err := os.Stat(filepath.Join(cniPlugins, plugin)); err != nil {
			missing = append(missing, filepath.Join(cniPlugins, plugin))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("starting a real node: this machine has no %s; run `apt-get install %s`", strings.Join(missing, ", "), Packages)
	}
	return mayIsolate()
}

// mayIsolate tries what root of a container may not.
func mayIsolate() error {
	// Private first: otherwise the mount would be the machine's too.
	try := exec.Command("sh", "-c", "mount --make-rprivate / && mount -t tmpfs none /run")
	try.SysProcAttr = Namespaces()
	if said, err := try.CombinedOutput(); err != nil {
		return fmt.Errorf("starting a real node: this root may not make namespaces and mounts (%w: %s); in a container, run that privileged", err, bytes.TrimSpace(said))
	}
	return nil
}
