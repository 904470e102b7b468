package simulate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"
)

// Names of the variables through which the sandbox node speaks to a simulated program, besides KUBECONFIG and the
// container's own.
const (
	VarReal      = "SANDBOX_REAL"      // "1" in a container of a real node, where none of the others but boot and faults is set
	VarRoot      = "SANDBOX_ROOT"      // directory that holds the container's file system
	VarPodIP     = "SANDBOX_POD_IP"    // the pod's address as Kubernetes shows it, 10.S.x.y
	VarListen    = "SANDBOX_LISTEN"    // the address to bind, 127.S.x.y
	VarDNS       = "SANDBOX_DNS"       // host:port of the sandbox DNS
	VarArgs      = "SANDBOX_ARGS"      // command and arguments, one JSON list of strings
	VarBoot      = "SANDBOX_BOOT"      // how long the product takes to boot, a Go duration; "" is 0
	VarFaults    = "SANDBOX_FAULTS"    // a file of faults to inject; may be absent
	VarContainer = "SANDBOX_CONTAINER" // the container's name
	VarPodName   = "POD_NAME"
	VarNamespace = "POD_NAMESPACE"
)

// Env is what a simulated program knows of the pod it runs in.
type Env struct {
	Root       string        // directory that holds the container's file system; see Path
	PodIP      string        // 10.S.x.y
	Listen     string        // 127.S.x.y, the same pod on the host's loopback; see Listener
	DNS        string        // host:port of the sandbox DNS; see Dialer
	Kubeconfig string        // a file; its server is reached without Dialer
	Namespace  string        // the pod's
	PodName    string        //
	Container  string        // name in the pod
	Args       []string      // command and arguments, as a container runtime would have made them of pod and image
	Boot       time.Duration // time from start until the product serves
	Faults     string        // a file of faults to inject; may be absent

	// Real says that the program runs in a container of a real node: its files, addresses, ports and names are the pod's own.
	Real   bool
	Getenv func(string) string // the container's own environment
	Log    *slog.Logger        // the container's log
}

// FromEnvironment reads the variables set by the sandbox node, with os.Getenv or the like.
func FromEnvironment(getenv func(string) string, log io.Writer) (Env, error) {
	env := Env{
		Real:       getenv(VarReal) == "1",
		Root:       getenv(VarRoot),
		PodIP:      getenv(VarPodIP),
		Listen:     getenv(VarListen),
		DNS:        getenv(VarDNS),
		Kubeconfig: getenv("KUBECONFIG"),
		Namespace:  getenv(VarNamespace),
		PodName:    getenv(VarPodName),
		Container:  getenv(VarContainer),
		Faults:     getenv(VarFaults),
		Getenv:     getenv,
		Log:        slog.New(slog.NewTextHandler(log, nil)),
	}
	var problems []error
	for _, required := range []string{VarRoot, VarPodIP, VarListen, VarDNS, VarNamespace} {
		if getenv(required) == "" && !env.Real {
			problems = append(problems, fmt.Errorf("%s is not set: simulated programs are started by the sandbox node", required))
		}
	}
	if args := getenv(VarArgs); args != "" {
		if err := json.Unmarshal([]byte(args), &env.Args); err != nil {
			problems = append(problems, fmt.Errorf("%s %q is not a JSON list of strings: %w", VarArgs, args, err))
		}
	}
	if boot := getenv(VarBoot); boot != "" {
		var err error
		if env.Boot, err = time.ParseDuration(boot); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", VarBoot, err))
		}
	}
	return env, errors.Join(problems...)
}

// Path is where the file that the container calls path lies on the host.
func (e Env) Path(path string) string {
	return filepath.Join(e.Root, filepath.Clean("/"+path))
}

// Listener listens on a port of the pod. Close it when the program ends.
func (e Env) Listener(port int) (net.Listener, error) {
	address := net.JoinHostPort(e.Listen, strconv.Itoa(int(PortOnHost(uint16(port)))))
	if e.Real {
		address = fmt.Sprintf(":%d", port)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on port %d of pod %s/%s: %w", port, e.Namespace, e.PodName, err)
	}
	return listener, nil
}
