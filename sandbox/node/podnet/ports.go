package podnet

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockstep/sandbox/simulate"
)

// idle is how long a container's port may ask nothing of the DNS before it is forgotten.
const idle = 10 * time.Second

func deadline() time.Time { return time.Now().Add(idle) }

// ports are the listeners on the host, by the container's port.
type ports struct {
	mu        sync.Mutex
	closed    bool
	listeners map[uint16]net.Listener
}

func (p *ports) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, listener := range p.listeners {
		_ = listener.Close()
	}
}

// Follow keeps the host listening on the ports that the container's process listens on, until ctx ends. It tells each port the first time, with
// why the host cannot listen for it.
func (n *Network) Follow(ctx context.Context, pid int, tell func(port uint16, err error)) {
	const often = 50 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	told := map[uint16]bool{}
	for {
		wanted := listening(pid)
		refused := n.listen(wanted)
		for _, port := range wanted {
			if !told[port] {
				told[port] = true
				tell(port, refused[port])
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// listen opens and closes listeners until they are the wanted ones, and says which it cannot open.
func (n *Network) listen(wanted []uint16) (refused map[uint16]error) {
	n.ports.mu.Lock()
	defer n.ports.mu.Unlock()
	if n.ports.closed {
		return nil
	}
	refused = map[uint16]error{}
	for port, listener := range n.ports.listeners {
		if !slices.Contains(wanted, port) {
			_ = listener.Close()
			delete(n.ports.listeners, port)
		}
	}
	for _, port := range wanted {
		if n.ports.listeners[port] != nil {
			continue
		}
		at := simulate.PodOnHost(netip.AddrPortFrom(n.Address, port), n.Instance)
		listener, err := net.Listen("tcp", at.String())
		if err != nil {
			refused[port] = fmt.Errorf("listening for port %d of %s: %w", port, n.Address, err)
			continue
		}
		n.ports.listeners[port] = listener
		go n.accept(listener, port)
	}
	return refused
}

func (n *Network) accept(listener net.Listener, port uint16) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			ctx, cancel := context.WithTimeout(context.Background(), idle)
			defer cancel()
			server, err := n.dialIn(ctx, port)
			if err != nil {
				return
			}
			defer server.Close()
			join(client, server)
		}()
	}
}

// listening lists the TCP ports on which processes in the network namespace of pid can be reached from outside of it.
func listening(pid int) []uint16 {
	var all []uint16
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err == nil {
			all = append(all, listeningPorts(string(data))...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// listeningPorts reads a table of sockets: the second field is the local address and port in hexadecimal, the fourth the state.
func listeningPorts(table string) []uint16 {
	const listen = "0A"
	var all []uint16
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != listen {
			continue
		}
		address, port, _ := strings.Cut(fields[1], ":")
		number, err := strconv.ParseUint(port, 16, 16)
		if err == nil && !onlyLocal(address) {
			all = append(all, uint16(number))
		}
	}
	return all
}

// onlyLocal tells 127.0.0.0/8 and ::1. The kernel prints words of four octets, as the machine orders them.
func onlyLocal(address string) bool {
	octets, err := hex.DecodeString(address)
	if err != nil || len(octets) < 4 {
		return true
	}
	if len(octets) == 4 {
		return octets[3] == 127
	}
	return address == "00000000000000000000000001000000"
}

// join copies both ways, passing on the end of each side's data.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			if _, err := io.Copy(way[0], way[1]); err != nil { // a connection that was cut is no more use to the other side
				_, _ = a.Close(), b.Close()
			}
			if half, ok := way[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}
