package envoy

import (
	"cmp"
	"fmt"
	"strings"
)

// refusal says why something is not accepted; the zero value is no refusal.
type refusal struct{ reason, message string }

// attach finds the listeners of g that the route is attached to by ref, or why there is none.
func (w *world) attach(route httpRoute, ref parentRef, g gateway) ([]listener, refusal) {
	var named, allowed, matching, ready []listener
	for _, l := range g.Spec.Listeners {
		if (ref.SectionName != "" && ref.SectionName != l.Name) || (ref.Port != 0 && ref.Port != l.Port) {
			continue
		}
		named = append(named, l)
		if !allows(l, g, route) {
			continue
		}
		allowed = append(allowed, l)
		if len(hostnames(l, route)) == 0 {
			continue
		}
		matching = append(matching, l)
		if w.certificate(l, g) == (refusal{}) {
			ready = append(ready, l)
		}
	}
	switch {
	case len(named) == 0:
		return nil, refusal{"NoMatchingParent", "No listeners match this parent ref"}
	case len(allowed) == 0:
		return nil, refusal{"NotAllowedByListeners", "No listeners included by this parent ref allowed this attachment."}
	case len(matching) == 0:
		return nil, refusal{"NoMatchingListenerHostname", "There were no hostname intersections between the HTTPRoute and this parent ref's Listener(s)."}
	case len(ready) == 0:
		return matching, refusal{"NoReadyListeners", "There are no ready listeners for this parent ref"}
	}
	return ready, refusal{}
}

// allows says whether the listener takes routes from the route's namespace. Selectors are not simulated.
func allows(l listener, g gateway, route httpRoute) bool {
	switch cmp.Or(l.AllowedRoutes.Namespaces.From, "Same") {
	case "All":
		return true
	case "Same":
		return route.Namespace == g.Namespace
	}
	return false
}

// hostnames is what listener and route have in common; "*" stands for any.
func hostnames(l listener, route httpRoute) []string {
	own := cmp.Or(l.Hostname, "*")
	if len(route.Spec.Hostnames) == 0 {
		return []string{own}
	}
	var common []string
	for _, host := range route.Spec.Hostnames {
		switch {
		case covers(own, host):
			common = append(common, host)
		case covers(host, own):
			common = append(common, own)
		}
	}
	return common
}

// covers says whether pattern ("*", "*.example.com" or a name) holds for host.
func covers(pattern, host string) bool {
	pattern, host = strings.ToLower(pattern), strings.ToLower(host)
	if suffix, wild := strings.CutPrefix(pattern, "*"); wild {
		return pattern == "*" || strings.HasSuffix(host, suffix) && host != strings.TrimPrefix(suffix, ".")
	}
	return pattern == host
}

// certificate checks the certificate Secret of a listener.
func (w *world) certificate(l listener, g gateway) refusal {
	if l.Protocol != "HTTPS" {
		return refusal{}
	}
	for _, ref := range l.TLS.CertificateRefs {
		namespace := cmp.Or(ref.Namespace, g.Namespace)
		if namespace != g.Namespace {
			return refusal{"RefNotPermitted", fmt.Sprintf("Certificate ref to secret %s/%s not permitted by any ReferenceGrant.", namespace, ref.Name)}
		}
		secret := w.secret(namespace, ref.Name)
		if secret == nil {
			return refusal{"InvalidCertificateRef", fmt.Sprintf("Secret %s/%s does not exist.", namespace, ref.Name)}
		}
		if _, err := w.pairs.of(secret); err != nil {
			return refusal{"InvalidCertificateRef", fmt.Sprintf("Secret %s/%s must contain valid tls.crt and tls.key of the same pair.", namespace, ref.Name)}
		}
	}
	return refusal{}
}

// backend checks that a route's backendRef means a Service and a port that are there.
func (w *world) backend(route httpRoute, ref backendRef) refusal {
	namespace := cmp.Or(ref.Namespace, route.Namespace)
	if kind := cmp.Or(ref.Kind, "Service"); kind != "Service" || ref.Group != "" {
		return refusal{"InvalidKind", fmt.Sprintf("Failed to process route rule: backendRef kind %s is not simulated.", kind)}
	}
	if namespace != route.Namespace {
		return refusal{"RefNotPermitted", fmt.Sprintf("Backend ref to Service %s/%s not permitted by any ReferenceGrant.", namespace, ref.Name)}
	}
	service := w.service(namespace, ref.Name)
	if service == nil {
		return refusal{"BackendNotFound", fmt.Sprintf("Service %s/%s not found.", namespace, ref.Name)}
	}
	for _, port := range service.Spec.Ports {
		if port.Port == ref.Port {
			return refusal{}
		}
	}
	return refusal{"PortNotFound", fmt.Sprintf("TCP Port %d not found on Service %s/%s.", ref.Port, namespace, ref.Name)}
}

// unresolved is the first refusal of any backend of the route.
func (w *world) unresolved(route httpRoute) refusal {
	for _, rule := range route.Spec.Rules {
		for _, ref := range rule.BackendRefs {
			if refused := w.backend(route, ref); refused != (refusal{}) {
				return refused
			}
		}
	}
	return refusal{}
}
