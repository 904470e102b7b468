package supervisor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"lockstep/sandbox/realnode"
)

// instance is the sandbox's number S and its range of ports. It is held by a listening socket, so that the kernel frees
// it however the supervisor ends.
type instance struct {
	number  int
	address string // where all listen
	hold    io.Closer
	next    int
}

const (
	instances = 250
	holdPort  = 19999
	// Each instance has its own ports, below the range that the kernel hands out, so that neither another sandbox nor a
	// passing connection takes a port between finding and using it.
	firstPort        = 20000
	portsPerInstance = 40
)

// claim takes the first free instance.
func claim() (*instance, error) {
	var last error
	for s := 1; s <= instances; s++ {
		hold, err := net.Listen("tcp", net.JoinHostPort(fmt.Sprintf("127.%d.0.1", s), strconv.Itoa(holdPort)))
		if err == nil {
			return &instance{number: s, address: "127.0.0.1", hold: hold, next: firstPort + (s-1)*portsPerInstance}, nil
		}
		last = err
	}
	return nil, fmt.Errorf("finding a free sandbox instance: all %d are taken (%w); take a sandbox down first", instances, last)
}

// alone is the instance of a real node, which has a network of its own.
func alone() *instance {
	return &instance{address: realnode.Network().Address.String(), hold: io.NopCloser(nil), next: firstPort}
}

// port returns the next free port of the instance.
func (i *instance) port() (int, error) {
	l, err := i.listen()
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// listen opens the next free port of the instance.
func (i *instance) listen() (net.Listener, error) {
	for end := firstPort + max(i.number, 1)*portsPerInstance; i.next < end; {
		l, err := net.Listen("tcp", net.JoinHostPort(i.address, strconv.Itoa(i.next)))
		i.next++
		if err == nil {
			return l, nil
		}
	}
	return nil, errors.New("finding a free port: other programs hold all of this sandbox's ports")
}
