// Package outbound is how the worker speaks to hosts that files of environments name: registries, chart repositories and hosts of
// artifacts. One rule holds for all of them. It is kept by the transport, so that no redirect, token server or index leads past it.
package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lockstep/config/mirror"
)

// mostRedirects are followed.
const mostRedirects = 10

// Rule says how hosts are spoken to: over TLS, unless the mirror that stands for one is plain HTTP or PlainHTTP lists it.
type Rule struct {
	Mirrors mirror.Map
	// PlainHTTP lists hosts, as host or host:port.
	PlainHTTP []string
}

// With is the rule with further hosts that may be spoken to without TLS.
func (r Rule) With(plainHTTP ...string) Rule {
	r.PlainHTTP = slices.Concat(r.PlainHTTP, plainHTTP)
	return r
}

// Registry is what to speak to for a registry, and whether without TLS.
func (r Rule) Registry(host string) (endpoint string, plain bool) {
	endpoint, plain = r.Mirrors.Registry(host)
	return endpoint, plain || endpoint == host && r.Plain(host)
}

// Plain says whether a host may be spoken to without TLS.
func (r Rule) Plain(host string) bool {
	return slices.Contains(r.plain(), bare(host))
}

func (r Rule) plain() (hosts []string) {
	for _, host := range r.PlainHTTP {
		hosts = append(hosts, bare(host))
	}
	for _, base := range r.Mirrors {
		if parsed, err := url.Parse(base); err == nil && parsed.Scheme == "http" {
			hosts = append(hosts, bare(parsed.Host))
		}
	}
	return hosts
}

// bare is a host without the port that plain HTTP has anyway.
func bare(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":80") }

// PlainHTTPError is a request without TLS that nobody allowed.
type PlainHTTPError struct{ Host string }

func (e *PlainHTTPError) Error() string {
	return fmt.Sprintf("%s would be reached without TLS, and plainHTTP does not list it", e.Host)
}

// Transport is next with the rule: it sends nothing without TLS that the rule does not allow, and ends a request on which nothing moves
// for a minute. Default for next: [Dialing].
func (r Rule) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = Dialing()
	}
	return &transport{next: &patient{next: next, patience: patience}, plain: r.plain()}
}

// Client is an HTTP client with the rule. Default for next: [Dialing].
func (r Rule) Client(next http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{Transport: r.Transport(next), CheckRedirect: keepTLS, Timeout: timeout}
}

type transport struct {
	next  http.RoundTripper
	plain []string
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && !slices.Contains(t.plain, bare(request.URL.Host)) {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, &PlainHTTPError{request.URL.Host}
	}
	return t.next.RoundTrip(request)
}

// CloseIdleConnections closes those below.
func (t *transport) CloseIdleConnections() { closeIdle(t.next) }

func closeIdle(next http.RoundTripper) {
	if below, can := next.(interface{ CloseIdleConnections() }); can {
		below.CloseIdleConnections()
	}
}

// keepTLS follows redirects, but from https to http not even where plain HTTP is allowed: who asked over TLS meant it.
func keepTLS(request *http.Request, via []*http.Request) error {
	if len(via) >= mostRedirects {
		return fmt.Errorf("more than %d redirects", mostRedirects)
	}
	if via[0].URL.Scheme == "https" && request.URL.Scheme != "https" {
		return errors.New("a redirect leaves TLS")
	}
	return nil
}

// ErrLinkLocal is an address that only this machine's surroundings have, as the metadata of a cloud, which hand out credentials.
var ErrLinkLocal = errors.New("the address is link-local or that of a cloud's metadata service")

// metadata is where clouds have their metadata, and credentials for pods, beside link-local addresses.
var metadata = prefixes(
	"fd00:ec2::/32",          // Amazon, by IPv6: instances and pods
	"fd20:ce::254/128",       // Google, by IPv6
	"fd00:c1::a9fe:a9fe/128", // Oracle, by IPv6
	"192.0.0.192/32",         // Oracle
	"fd00:42::42/128",        // Scaleway, by IPv6
	"100.100.100.200/32",     // Alibaba
	"168.63.129.16/32",       // Azure
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// nat64 are the prefixes behind which a network may have all of IPv4: the well-known one (RFC 6052) and the local one (RFC 8215).
var nat64 = prefixes("64:ff9b::/96", "64:ff9b:1::/48")

// translated are the bytes of an IPv6 address that may hold one of IPv4, by the lengths that a prefix may have (RFC 6052, 2.2): 96, 64, 56
// and 48. A network takes any of them below the local prefix.
var translated = [][4]int{{12, 13, 14, 15}, {9, 10, 11, 12}, {7, 9, 10, 11}, {6, 7, 9, 10}}

// Dialing is [http.DefaultTransport] that connects to no link-local address and no metadata service, whatever name leads there. It is one
// for all, as that is: activities make their clients anew, and keep the connections.
func Dialing() *http.Transport { return dialing() }

var dialing = sync.OnceValue(func() *http.Transport {
	own := http.DefaultTransport.(*http.Transport).Clone()
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: notLinkLocal}
	own.DialContext = dialer.DialContext
	own.MaxIdleConnsPerHost = 50 // layers are sent side by side
	return own
})

func notLinkLocal(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address and port, and may lead anywhere: %w", address, ErrLinkLocal)
	}
	if isMetadata(to.Addr()) {
		return ErrLinkLocal
	}
	return nil
}

// isMetadata looks at an address in every form that leads there. A zone says nothing where the address is not link-local.
func isMetadata(at netip.Addr) bool {
	at = at.WithZone("").Unmap()
	forms := []netip.Addr{at}
	if within(nat64, at) {
		all := at.As16()
		for _, bytes := range translated {
			forms = append(forms, netip.AddrFrom4([4]byte{all[bytes[0]], all[bytes[1]], all[bytes[2]], all[bytes[3]]}))
		}
	}
	return slices.ContainsFunc(forms, func(form netip.Addr) bool { return form.IsLinkLocalUnicast() || within(metadata, form) })
}

func within(all []netip.Prefix, at netip.Addr) bool {
	return slices.ContainsFunc(all, func(prefix netip.Prefix) bool { return prefix.Contains(at) })
}

// Shown is an address as messages may have it: without user, query and fragment, which hold passwords and signatures.
func Shown(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	parsed.User, parsed.RawQuery, parsed.Fragment = nil, "", ""
	return parsed.String()
}
