// Package dns is the sandbox's cluster DNS. It answers for Services with the loopback addresses of their ready pods,
// because no kube-proxy stands between a simulated program and a Service's cluster IP, and with NXDOMAIN for everything
// else: a public host name is not the cluster's to resolve, in the sandbox as elsewhere.
//
// What a cluster IP would translate, a Service's port to its pods', is asked for as SRV _<port number>._tcp.<service>.
package dns

import (
	"context"
	"fmt"
	"net"

	"github.com/miekg/dns"
)

// Serve answers on address (host:port), by UDP and TCP, until ctx ends.
func Serve(ctx context.Context, address string, index Index) error {
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("listening for the sandbox DNS: %w", err)
	}
	defer packets.Close()
	// The TCP listener takes the port that UDP got, in case address asks for any.
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		return fmt.Errorf("listening for the sandbox DNS: %w", err)
	}
	defer listener.Close()

	handler := dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		_ = w.WriteMsg(index.Answer(question)) // a client that has gone needs no answer
	})
	ended := make(chan error, 2)
	for _, server := range []*dns.Server{
		{PacketConn: packets, Handler: handler},
		{Listener: listener, Handler: handler},
	} {
		go func() { ended <- server.ActivateAndServe() }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return fmt.Errorf("serving the sandbox DNS: %w", err)
	}
}
