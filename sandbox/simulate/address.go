package simulate

import "net/netip"

// OnHost is the loopback address behind which the host serves an address of the sandbox's network: 10.S.x.y, which the
// Kubernetes API accepts for pods and load balancers, is 127.S.x.y, which needs no privilege to bind; S is the sandbox's
// instance number. Pods have their ports there at [PortOnHost], load balancers at the same. Any other address is returned as it is.
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

// isBalancer says whether an address of the sandbox's network is that of a load balancer.
func isBalancer(address netip.Addr) bool { return address.As4()[2] == 255 }

// portShift keeps ports of pods out of the way of servers that listen on all addresses of the machine, such as an Identity Server on
// 9443: those take the port on every loopback address.
const portShift = 20000

// PortOnHost is the port at which the host serves a port of a pod, on the address of [OnHost]: above those that products have, and
// below those that the operating system gives away, which stay what they are.
func PortOnHost(port uint16) uint16 {
	if port == 0 || port >= 1<<15-portShift {
		return port
	}
	return port + portShift
}

// PodOnHost is where the host serves a port of a pod, or of a load balancer, of the sandbox's network. Any other is returned as it is.
func PodOnHost(at netip.AddrPort, instance int) netip.AddrPort {
	twin := OnHost(at.Addr(), instance)
	if twin == at.Addr() || isBalancer(at.Addr()) {
		return netip.AddrPortFrom(twin, at.Port())
	}
	return netip.AddrPortFrom(twin, PortOnHost(at.Port()))
}

// InPod is an address of the host's loopback, a Service's (127.255.a.b) or a pod's (127.S.x.y), as a container with a network of its own
// sees it: 127.0.0.0/8 never leaves a network namespace. For Services that is 10.255.a.b, which no sandbox has for pods, as S is at most 250.
func InPod(address netip.Addr) netip.Addr {
	octets := address.As4()
	if octets[0] == 127 {
		octets[0] = 10
	}
	return netip.AddrFrom4(octets)
}

// ServiceInPod is the way back from an address that [InPod] gave to a Service; ok is false for all others.
func ServiceInPod(address netip.Addr) (service netip.Addr, ok bool) {
	octets := address.As4()
	if octets[0] != 10 || octets[1] != 255 {
		return address, false
	}
	octets[0] = 127
	return netip.AddrFrom4(octets), true
}
