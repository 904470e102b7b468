package node

import (
	"fmt"
	"net/netip"
	"sync"
)

// podSubnets is how many of a sandbox's 10.S.x.0 networks are for pods, from x = 1 on. 10.S.0.x is the sandbox's own,
// 10.S.255.x is for load balancers.
const podSubnets = 32

// addresses gives pods their addresses. One that was given back is not given again before all others.
type addresses struct {
	instance int
	mu       sync.Mutex
	used     map[netip.Addr]bool
	last     int
}

func newAddresses(instance int) *addresses {
	return &addresses{instance: instance, used: map[netip.Addr]bool{}}
}

// take takes the preferred address, a pod's from before a restart of the node, if it is a free one, or else the next.
func (a *addresses) take(preferred string) (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if address, err := netip.ParseAddr(preferred); err == nil && a.owns(address) && !a.used[address] {
		a.used[address] = true
		return address, nil
	}
	for range podSubnets * 254 {
		address := netip.AddrFrom4([4]byte{10, byte(a.instance), byte(1 + a.last/254), byte(1 + a.last%254)})
		a.last = (a.last + 1) % (podSubnets * 254)
		if !a.used[address] {
			a.used[address] = true
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no pod address is left in 10.%d.1.0 to 10.%d.%d.0", a.instance, a.instance, podSubnets)
}

func (a *addresses) release(address netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, address)
}

func (a *addresses) owns(address netip.Addr) bool {
	if !address.Is4() {
		return false
	}
	octets := address.As4()
	return octets[0] == 10 && int(octets[1]) == a.instance && octets[2] >= 1 && octets[2] <= podSubnets
}
