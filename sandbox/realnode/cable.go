package realnode

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// link is the machine's end of the cable; the node's is eth0.
const link = "lockstep-node"

// Connect lays the cable between the machine and the namespaces of process pid. There is one node on a machine at a time.
func Connect(pid int) error {
	if !unplugged() {
		return fmt.Errorf("connecting the node: this machine has an interface %s, so another node is up: take that down, or `ip link delete %s` if it is gone", link, link)
	}
	return ip(
		"link add "+link+" type veth peer name eth0 netns "+strconv.Itoa(pid),
		"address add "+machine.String()+" dev "+link,
		"link set "+link+" up",
		"route add "+all.String()+" via "+node.Addr().String(),
	)
}

// connectInside is the node's side of the cable.
func connectInside() error {
	if err := ip(
		"link set lo up",
		"address add "+node.String()+" dev eth0",
		"link set eth0 up",
		"route add default via "+machine.Addr().String(),
	); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("letting the node forward packets: %w", err)
	}
	return nil
}

// unplugged waits for the end of a cable that the kernel is removing, and says whether there is none.
func unplugged() bool {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat("/sys/class/net/" + link); err != nil {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

func ip(commands ...string) error {
	for _, command := range commands {
		if said, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("connecting the node: ip %s: %w: %s", command, err, bytes.TrimSpace(said))
		}
	}
	return nil
}
