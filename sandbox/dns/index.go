package dns

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/utils/ptr"

	"lockstep/sandbox/simulate"
)

// Index knows which pods stand behind a Service.
type Index struct {
	Services corelisters.ServiceLister
	Slices   discoverylisters.EndpointSliceLister
	Instance int // of the sandbox, see simulate.OnHost
}

// A Backend is a ready pod of a Service, as the host reaches it.
type Backend struct {
	Address  netip.AddrPort // with the port of simulate.PortOnHost
	Hostname string         // the pod's own name in a headless Service, mostly ""
}

// Backends are the ready pods behind a port of a Service, given by number or name, with the port the pods listen on, as the host serves it. An
// empty port leaves the pods' ports 0. found is false if there is no such Service; a Service without ready pods, or
// without that port, has no backends.
func (i Index) Backends(namespace, service, port string) (backends []Backend, found bool) {
	svc, err := i.Services.Services(namespace).Get(service)
	if err != nil {
		return nil, false
	}
	selector := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service})
	endpointSlices, err := i.Slices.EndpointSlices(namespace).List(selector)
	if err != nil {
		return nil, true
	}
	for _, endpointSlice := range endpointSlices {
		target, ok := targetPort(svc, endpointSlice, port)
		if !ok {
			continue
		}
		for _, endpoint := range endpointSlice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				backends = append(backends, i.pods(endpoint, target)...)
			}
		}
	}
	slices.SortFunc(backends, func(a, b Backend) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Hostname, b.Hostname))
	})
	return slices.Compact(backends), true
}

// BackendsAt are the ready pods behind a port of the Service that has an address.
func (i Index) BackendsAt(at netip.AddrPort) []Backend {
	services, err := i.Services.List(labels.Everything())
	if err != nil {
		return nil
	}
	for _, service := range services {
		if service.Spec.ClusterIP == at.Addr().String() {
			backends, _ := i.Backends(service.Namespace, service.Name, strconv.Itoa(int(at.Port())))
			return backends
		}
	}
	return nil
}

// ServiceAddress is the address of the Service that a name of the cluster's is of; ok is false if there is none, or it is headless.
func (i Index) ServiceAddress(name string) (address netip.Addr, ok bool) {
	parts, ok := serviceLabels(name)
	if !ok || len(parts) != 2 {
		return netip.Addr{}, false
	}
	service, err := i.Services.Services(parts[1]).Get(parts[0])
	if err != nil {
		return netip.Addr{}, false
	}
	address, err = netip.ParseAddr(service.Spec.ClusterIP)
	return address, err == nil
}

func (i Index) pods(endpoint discoveryv1.Endpoint, port uint16) []Backend {
	var backends []Backend
	for _, text := range endpoint.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		backend := Backend{Address: netip.AddrPortFrom(simulate.OnHost(address, i.Instance), simulate.PortOnHost(port))}
		if endpoint.Hostname != nil {
			backend.Hostname = *endpoint.Hostname
		}
		backends = append(backends, backend)
	}
	return backends
}

// targetPort follows a Service's port to its pods'. A headless Service translates nothing: whoever resolved its name
// reaches whatever port it asked for.
func targetPort(svc *corev1.Service, endpointSlice *discoveryv1.EndpointSlice, port string) (uint16, bool) {
	if port == "" {
		return 0, true
	}
	if number, err := strconv.ParseUint(port, 10, 16); err == nil && svc.Spec.ClusterIP == corev1.ClusterIPNone {
		return uint16(number), true
	}
	for _, candidate := range svc.Spec.Ports {
		if candidate.Name != port && strconv.Itoa(int(candidate.Port)) != port {
			continue
		}
		for _, target := range endpointSlice.Ports {
			if target.Port != nil && ptr.Deref(target.Name, "") == candidate.Name {
				return uint16(*target.Port), true
			}
		}
	}
	return 0, false
}
