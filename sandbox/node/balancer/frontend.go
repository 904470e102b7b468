package balancer

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

// A frontend is where the balancer listens for one port of a Service.
type frontend struct {
	namespace, service string
	address            netip.AddrPort
}

// listen opens and closes listeners until they are those of the frontends.
func (b *Balancer) listen(ctx context.Context, frontends map[frontend]bool) {
	for at, listener := range b.listeners {
		if !frontends[at] {
			listener.Close()
			delete(b.listeners, at)
		}
	}
	for at := range frontends {
		if b.listeners[at] != nil {
			continue
		}
		listener, err := net.Listen("tcp", at.address.String())
		if err != nil {
			if !b.refused[at] {
				b.Log.Warn("load balancer does not listen; its pods can be reached by port-forward", "service", at.namespace+"/"+at.service, "error", err)
			}
			b.refused[at] = true
			continue
		}
		b.listeners[at] = listener
		go b.accept(ctx, at, listener)
	}
}

// accept forwards connections until the listener is closed.
func (b *Balancer) accept(ctx context.Context, at frontend, listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go b.forward(ctx, at, client)
	}
}

// forward joins a connection with one to a ready pod, or drops it if there is none.
func (b *Balancer) forward(ctx context.Context, at frontend, client net.Conn) {
	defer client.Close()
	backends, _ := b.Index.Backends(at.namespace, at.service, strconv.Itoa(int(at.address.Port())))
	for _, backend := range backends {
		server, err := new(net.Dialer).DialContext(ctx, "tcp", backend.Address.String())
		if err != nil {
			continue
		}
		defer server.Close()
		defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
		join(client, server)
		return
	}
}

// join copies both ways, passing on the end of each side's data.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			if half, ok := way[0].(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both.Wait()
}
