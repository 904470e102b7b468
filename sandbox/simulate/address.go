package simulate

import "net/netip"

// OnHost is the loopback address behind which the host serves an address of the sandbox's network: 10.S.x.y, which the
// Kubernetes API accepts for pods and load balancers, is 127.S.x.y, which needs no privilege to bind; S is the sandbox's
// instance number. Ports stay the same. Any other address is returned as it is.
func OnHost(address netip.Addr, instance int) netip.Addr {
	if !address.Is4() {
		return address
	}
	octets := address.As4()
	if octets[0] == 10 && int(octets[1]) == instance {
		octets[0] = 127
	}
	return netip.AddrFrom4(octets)
}
