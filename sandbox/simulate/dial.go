package simulate

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const clusterDomain = "svc.cluster.local"

// Dialer connects as a process in the pod would: Service names (short or full) by the sandbox DNS, ports of a Service
// to the ports of its pods, pod addresses to their loopback twins, localhost to the pod itself. A name that the cluster
// does not know is a *net.DNSError with IsNotFound, a Service without ready pods is ECONNREFUSED.
func (e Env) Dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	if e.Real {
		return new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		targets, err := e.Resolve(ctx, addr)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		var dialer net.Dialer
		for _, target := range targets {
			var conn net.Conn
			if conn, err = dialer.DialContext(ctx, network, target); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}

// Resolve turns host:port as the pod sees it into the addresses to try on the host, at least one.
func (e Env) Resolve(ctx context.Context, addr string) ([]string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q of %q is not a number", port, addr)
	}
	if host == "" || host == "localhost" {
		return []string{onHost(e.Listen, uint16(number))}, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []string{e.onHost(ip, uint16(number))}, nil
	}
	return e.lookup(ctx, host, port)
}

// onHost is a port of the pod behind a loopback address.
func onHost(listen string, port uint16) string {
	return net.JoinHostPort(listen, strconv.Itoa(int(PortOnHost(port))))
}

// onHost maps addresses of this sandbox's pods and load balancers (10.S.x.y) and the pod's own loopback.
func (e Env) onHost(ip netip.Addr, port uint16) string {
	self, err := netip.ParseAddr(e.Listen)
	switch {
	case err != nil || !ip.Is4() || !self.Is4():
		return netip.AddrPortFrom(ip, port).String()
	case ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}):
		return onHost(e.Listen, port)
	}
	return PodOnHost(netip.AddrPortFrom(ip, port), int(self.As4()[1])).String()
}

// lookup asks for _<port>._tcp.<name>, to which the sandbox DNS answers with the pods' ports, trying the search domains
// of a pod first, as ndots:5 does.
func (e Env) lookup(ctx context.Context, host, port string) ([]string, error) {
	for _, name := range e.candidates(host) {
		question := new(dns.Msg)
		question.SetQuestion("_"+port+"._tcp."+name, dns.TypeSRV)
		client := dns.Client{Net: "tcp", Timeout: 5 * time.Second}
		answer, _, err := client.ExchangeContext(ctx, question, e.DNS)
		switch {
		case err != nil:
			return nil, &net.DNSError{Err: err.Error(), Name: host, Server: e.DNS, IsTemporary: true}
		case answer.Rcode == dns.RcodeNameError:
			continue
		case answer.Rcode != dns.RcodeSuccess:
			return nil, &net.DNSError{Err: dns.RcodeToString[answer.Rcode], Name: host, Server: e.DNS, IsTemporary: true}
		}
		if targets := pods(answer); len(targets) > 0 {
			return targets, nil
		}
		return nil, fmt.Errorf("service %s has no ready pod on port %s: %w", host, port, syscall.ECONNREFUSED)
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, Server: e.DNS, IsNotFound: true}
}

func (e Env) candidates(host string) []string {
	if strings.HasSuffix(host, ".") {
		return []string{host}
	}
	return []string{
		host + "." + e.Namespace + "." + clusterDomain + ".",
		host + "." + clusterDomain + ".",
		host + ".cluster.local.",
		host + ".",
	}
}

// pods pairs each SRV record's port with the address of its target in the additional section.
func pods(answer *dns.Msg) []string {
	addresses := map[string]string{}
	for _, record := range answer.Extra {
		if a, ok := record.(*dns.A); ok {
			addresses[a.Hdr.Name] = a.A.String()
		}
	}
	var targets []string
	for _, record := range answer.Answer {
		if srv, ok := record.(*dns.SRV); ok && addresses[srv.Target] != "" {
			targets = append(targets, net.JoinHostPort(addresses[srv.Target], strconv.Itoa(int(srv.Port))))
		}
	}
	return targets
}
