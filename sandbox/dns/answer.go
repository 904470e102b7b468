package dns

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

const (
	zone = ".svc.cluster.local."
	// ttl is short because pods come and go, and asking again costs nothing here.
	ttl = 1
)

// Answer answers a query:
//
//	A    <service>.<namespace>.svc.cluster.local                 the ready pods
//	A    <pod host name or a-b-c-d>.<service>.<namespace>.…      one of them
//	SRV  _<port name or number>._tcp.<service>.<namespace>.…     the ready pods with their ports on the host, addresses in the
//	                                                             additional section
func (i Index) Answer(question *dns.Msg) *dns.Msg {
	answer := new(dns.Msg)
	answer.SetReply(question)
	answer.Authoritative = true
	if len(question.Question) != 1 {
		answer.Rcode = dns.RcodeFormatError
		return answer
	}
	asked := question.Question[0]
	labels, ok := serviceLabels(asked.Name)
	switch {
	case ok && len(labels) == 4 && strings.HasPrefix(labels[0], "_") && labels[1] == "_tcp":
		i.answerPort(answer, asked, strings.TrimPrefix(labels[0], "_"), labels[2], labels[3])
	case ok && len(labels) == 3:
		i.answerPods(answer, asked, labels[0], labels[1], labels[2])
	case ok && len(labels) == 2:
		i.answerPods(answer, asked, "", labels[0], labels[1])
	default:
		answer.Rcode = dns.RcodeNameError
	}
	return answer
}

func serviceLabels(name string) ([]string, bool) {
	name, ok := strings.CutSuffix(strings.ToLower(name), zone)
	return strings.Split(name, "."), ok
}

// answerPods answers with the addresses of all pods of a service, or of the one with a name.
func (i Index) answerPods(answer *dns.Msg, asked dns.Question, pod, service, namespace string) {
	backends, found := i.Backends(namespace, service, "")
	matched := pod == ""
	for _, backend := range backends {
		if pod != "" && pod != backend.Hostname && pod != dashed(backend.Address.Addr()) {
			continue
		}
		matched = true
		if asked.Qtype == dns.TypeA {
			answer.Answer = append(answer.Answer, addressRecord(asked.Name, backend.Address.Addr()))
		}
	}
	if !found || !matched {
		answer.Rcode = dns.RcodeNameError
	}
}

func (i Index) answerPort(answer *dns.Msg, asked dns.Question, port, service, namespace string) {
	backends, found := i.Backends(namespace, service, port)
	if !found {
		answer.Rcode = dns.RcodeNameError
		return
	}
	if asked.Qtype != dns.TypeSRV {
		return
	}
	for _, backend := range backends {
		target := dashed(backend.Address.Addr()) + "." + service + "." + namespace + zone
		answer.Answer = append(answer.Answer, &dns.SRV{
			Hdr:    header(asked.Name, dns.TypeSRV),
			Weight: 1,
			Port:   backend.Address.Port(),
			Target: target,
		})
		answer.Extra = append(answer.Extra, addressRecord(target, backend.Address.Addr()))
	}
}

func addressRecord(name string, address netip.Addr) *dns.A {
	return &dns.A{Hdr: header(name, dns.TypeA), A: address.AsSlice()}
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func dashed(address netip.Addr) string {
	return strings.ReplaceAll(address.String(), ".", "-")
}
