package podnet

import (
	"net"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"lockstep/sandbox/simulate"
)

var (
	apiService = netip.AddrFrom4([4]byte{127, 255, 0, 1}) // the Service "kubernetes", the first one
	// APIService is where a container finds the API server, at port 443.
	APIService = simulate.InPod(apiService)
	// Nameserver is where a container finds the DNS.
	Nameserver = netip.AddrFrom4([4]byte{10, 255, 0, 10})
)

const dnsPort = 53

// packet answers a question for a name, if it is one.
func (n *Network) packet(request *udp.ForwarderRequest) bool {
	if request.ID().LocalPort != dnsPort {
		return false
	}
	var queue waiter.Queue
	endpoint, err := request.CreateEndpoint(&queue)
	if err != nil {
		return true
	}
	go n.answer(gonet.NewUDPConn(&queue, endpoint))
	return true
}

// answer answers what comes from one port of the container: a resolver asks for several types of records from the same one.
func (n *Network) answer(conn net.Conn) {
	connection := &dns.Conn{Conn: conn}
	defer connection.Close()
	for {
		_ = conn.SetReadDeadline(deadline())
		question, err := connection.ReadMsg()
		if err != nil {
			return
		}
		if connection.WriteMsg(n.Answer(question)) != nil {
			return
		}
	}
}

// Answer is the sandbox DNS's answer with the addresses that a container reaches. A name of a Service is the Service's address.
func (n *Network) Answer(question *dns.Msg) *dns.Msg {
	answer := n.Index.Answer(question)
	if len(question.Question) == 1 && question.Question[0].Qtype == dns.TypeA {
		if address, ok := n.Index.ServiceAddress(question.Question[0].Name); ok {
			record := &dns.A{Hdr: dns.RR_Header{Name: question.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: simulate.InPod(address).AsSlice()}
			answer.Rcode, answer.Answer = dns.RcodeSuccess, []dns.RR{record}
			return answer
		}
	}
	for _, record := range slices.Concat(answer.Answer, answer.Extra) {
		if a, ok := record.(*dns.A); ok {
			if address, ok := netip.AddrFromSlice(a.A.To4()); ok {
				a.A = simulate.InPod(address).AsSlice()
			}
		}
	}
	return answer
}
