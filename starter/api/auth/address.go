package auth

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// origin is the address that a request is from: that of the connection, or, if that is a trusted proxy's, the last one in
// X-Forwarded-For that is none of a trusted proxy. What stands before it anyone could have written.
func origin(r *http.Request, proxies []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	from, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	from = from.Unmap()
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(forwarded) {
		if !trusted(from, proxies) {
			break
		}
		before, ok := hop(strings.TrimSpace(text))
		if !ok {
			break
		}
		from = before.Unmap()
	}
	return from.WithZone("").String()
}

func trusted(address netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(network netip.Prefix) bool { return network.Contains(address.WithZone("")) })
}

// network is what failed authentications are counted by: an IPv6 host has all addresses of a /64.
func network(from string) string {
	address, err := netip.ParseAddr(from)
	if err != nil || address.Is4() {
		return from
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return from
	}
	return prefix.String()
}

// hop reads an address as proxies write it: alone, in brackets, or with the port it came from.
func hop(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr(), true
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err := netip.ParseAddr(text)
	return address, err == nil
}
