package envoy

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// classStatus is the status of a GatewayClass of this controller.
func (w *world) classStatus(class gatewayClass, now time.Time) classStatus {
	refused := w.parameters(class.Spec.ParametersRef, cmp.Or(parameterNamespace(class.Spec.ParametersRef), w.namespace))
	return classStatus{Conditions: settle(class.Status.Conditions, class.Generation, now, either("Accepted", "Valid GatewayClass", refused))}
}

func parameterNamespace(ref *parametersRef) string {
	if ref == nil {
		return ""
	}
	return ref.Namespace
}

// parameters checks that a parametersRef means an EnvoyProxy that is there.
func (w *world) parameters(ref *parametersRef, namespace string) refusal {
	if ref == nil || w.proxy(namespace, ref.Name) != nil && ref.Kind == "EnvoyProxy" {
		return refusal{}
	}
	return refusal{"InvalidParameters", fmt.Sprintf("Failed to find envoyproxy %s/%s", namespace, ref.Name)}
}

// gatewayStatus is the status of a Gateway of this controller.
func (w *world) gatewayStatus(g gateway, now time.Time) gatewayStatus {
	status := gatewayStatus{Addresses: w.addresses(g)}
	accepted := either("Accepted", "The Gateway has been scheduled by Envoy Gateway", w.parameters(g.Spec.Infrastructure.ParametersRef, g.Namespace))
	status.Conditions = settle(g.Status.Conditions, g.Generation, now, accepted, w.programmed(g, status.Addresses))
	for _, l := range g.Spec.Listeners {
		status.Listeners = append(status.Listeners, w.listenerStatus(g, l, now))
	}
	return status
}

func (w *world) programmed(g gateway, addresses []gatewayAddress) metav1.Condition {
	if len(addresses) == 0 {
		return no("Programmed", refusal{"AddressNotAssigned", "No addresses have been assigned to the Gateway"})
	}
	deployment := w.deployment(infraName(g))
	if deployment == nil || deployment.Status.AvailableReplicas == 0 {
		return no("Programmed", refusal{"NoResources", "Envoy replicas unavailable"})
	}
	return yes("Programmed", fmt.Sprintf("Address assigned to the Gateway, %d/%d envoy replicas available",
		deployment.Status.AvailableReplicas, deployment.Status.Replicas))
}

// addresses are where the Gateway is reached, by the type of its Service.
func (w *world) addresses(g gateway) []gatewayAddress {
	service := w.service(w.namespace, infraName(g))
	if service == nil {
		return nil
	}
	var values []string
	switch service.Spec.Type {
	case corev1.ServiceTypeLoadBalancer:
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			values = append(values, reachable(cmp.Or(ingress.IP, ingress.Hostname)))
		}
	case corev1.ServiceTypeNodePort:
		for _, node := range w.nodes {
			for _, address := range node.Status.Addresses {
				if address.Type == corev1.NodeInternalIP {
					values = append(values, address.Address)
				}
			}
		}
	default:
		values = service.Spec.ClusterIPs
	}
	var addresses []gatewayAddress
	for _, value := range values {
		kind := "IPAddress"
		if _, err := netip.ParseAddr(value); err != nil {
			kind = "Hostname"
		}
		addresses = append(addresses, gatewayAddress{Type: kind, Value: value})
	}
	return addresses
}

// reachable turns the address of a sandbox's load balancer, 10.S.255.n, into the loopback address that it listens on,
// 127.S.255.n. A Service's status may not hold the latter, a Gateway's may.
func reachable(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is4() {
		return address
	}
	octets := ip.As4()
	if octets[0] != 10 || octets[2] != 255 {
		return address
	}
	octets[0] = 127
	return netip.AddrFrom4(octets).String()
}

func (w *world) listenerStatus(g gateway, l listener, now time.Time) listenerStatus {
	var before []metav1.Condition
	for _, status := range g.Status.Listeners {
		if status.Name == l.Name {
			before = status.Conditions
		}
	}
	refused := w.certificate(l, g)
	invalid := refusal{}
	if refused != (refusal{}) {
		invalid = refusal{"Invalid", "Listener is invalid, see other Conditions for details."}
	}
	return listenerStatus{
		Name:           l.Name,
		SupportedKinds: []routeKind{{gatewayGroup, "HTTPRoute"}},
		AttachedRoutes: w.attached(g, l),
		Conditions: settle(before, g.Generation, now,
			either("Programmed", "Sending translated listener configuration to the data plane", invalid),
			yes("Accepted", "Listener has been successfully translated"),
			either("ResolvedRefs", "Listener references have been resolved", refused)),
	}
}

func (w *world) attached(g gateway, l listener) int32 {
	var routes int32
	for _, route := range w.routes {
		for _, ref := range route.Spec.ParentRefs {
			if parent, ok := w.parent(route, ref); !ok || parent.Name != g.Name || parent.Namespace != g.Namespace {
				continue
			}
			listeners, _ := w.attach(route, ref, g)
			for _, attached := range listeners {
				if attached.Name == l.Name {
					routes++
				}
			}
		}
	}
	return routes
}
