// Package contain runs a real program of an image as a container: in user, process, mount and network namespaces of its own, with the
// files that the node laid out as its root, and a network device that leads to package podnet. It takes no privileges, but a Linux that
// gives user namespaces and /dev/net/tun to everyone, or root.
//
// Known gap: containers of a pod share no localhost.
package contain

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"lockstep/sandbox/node/podnet"
)

// A Container is what the inside has to know.
type Container struct {
	Root    string     `json:"root"`            // the container's files, a directory of the host
	Program string     `json:"program"`         // the real program, a file of the host
	At      string     `json:"at"`              // where the image has it, a file
	Args    []string   `json:"args"`            // of which the first is the program's name
	Env     []string   `json:"env"`             // all of its environment
	Address netip.Addr `json:"address"`         // the pod's
	Host    string     `json:"host,omitempty"`  // its host name
	Binds   []Bind     `json:"binds,omitempty"` // directories that containers of a pod share
	Check   bool       `json:"check,omitempty"` // only sees whether the machine gives all this, and runs nothing
}

// A Bind shows a directory of the host in the container.
type Bind struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Command is the command of this program that calls Inside.
const Command = "contain"

// mtu is the size of the packets of the network device, that of package podnet.
const mtu = podnet.MTU

// Variable is the environment variable through which the inside gets its Container.
const Variable = "SANDBOX_CONTAINER"

func (c Container) environment() ([]string, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding container: %w", err)
	}
	return []string{Variable + "=" + string(data)}, nil
}

func parse(text string) (Container, error) {
	var c Container
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("reading %s: %w", Variable, err)
	}
	return c, nil
}
