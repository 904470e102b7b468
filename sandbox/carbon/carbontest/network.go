package carbontest

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"crypto/tls"
	"crypto/x509"

	"github.com/miekg/dns"

	"lockstep/sandbox/simulate"
)

// Network is a DNS that knows the pods by the names it is told, and answers as the sandbox's does: to SRV questions.
type Network struct {
	DNS string

	mu    sync.Mutex
	names map[string]string // short Service name to loopback address
}

// NewNetwork starts the DNS.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{DNS: listener.Addr().String(), names: map[string]string{}}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(n.answer)}
	go func() { _ = server.ActivateAndServe() }() // ends with the listener
	t.Cleanup(func() { _ = listener.Close() })
	return n
}

// Name makes the pod known as a Service of the namespace.
func (n *Network) Name(service string, pod *Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[service] = pod.Env.Listen
}

// answer knows _<port>._tcp.<service>.<namespace>.svc.cluster.local.
func (n *Network) answer(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(question)
	name := question.Question[0].Name
	labels := strings.SplitN(name, ".", 4)
	n.mu.Lock()
	address, ok := n.names[labels[2]]
	n.mu.Unlock()
	if !ok || labels[3] != Namespace+".svc.cluster.local." {
		answer.Rcode = dns.RcodeNameError
		_ = w.WriteMsg(answer)
		return
	}
	port, _ := net.LookupPort("tcp", strings.TrimPrefix(labels[0], "_"))
	target := "pod." + labels[2] + "." + labels[3]
	answer.Answer = []dns.RR{&dns.SRV{
		Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSRV, Class: dns.ClassINET}, Port: simulate.PortOnHost(uint16(port)), Target: target,
	}}
	answer.Extra = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: target, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP(address),
	}}
	_ = w.WriteMsg(answer)
}

// Client is an HTTP client in the pods' network that trusts the CA and checks names.
func (n *Network) Client(t testing.TB, ca []byte) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no CA certificate")
	}
	env := simulate.Env{DNS: n.DNS, Namespace: Namespace, Listen: "127.0.0.1"}
	transport := &http.Transport{DialContext: env.Dialer(), TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
