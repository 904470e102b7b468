package envoy

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// table is what a proxy does with connections and requests: a value made of one world, never changed.
type table struct {
	listeners []tableListener
}

// tableListener is one listener that is ready.
type tableListener struct {
	name, hostname string
	port           int32 // of the container
	certificate    *tls.Certificate
	routes         []tableRoute
}

// tableRoute is one match of one route rule.
type tableRoute struct {
	hostname string
	path     string
	exact    bool
	upstream *upstream // nil: the rule has no valid backend
}

// upstream is a Service port and how to speak to it.
type upstream struct {
	address string // service.namespace.svc.cluster.local:port
	secure  bool
	roots   *x509.CertPool // nil: the system's
	name    string         // to verify in the backend's certificate
	key     string         // differs if anything above does
}

// table makes the table of one Gateway.
func (w *world) table(g gateway) table {
	var made table
	for _, l := range g.Spec.Listeners {
		entry := tableListener{name: l.Name, hostname: cmp.Or(l.Hostname, "*"), port: containerPort(l.Port)}
		if l.Protocol == "HTTPS" {
			if len(l.TLS.CertificateRefs) == 0 || w.certificate(l, g) != (refusal{}) {
				continue
			}
			pair, err := w.pairs.of(w.secret(g.Namespace, l.TLS.CertificateRefs[0].Name))
			if err != nil {
				continue
			}
			entry.certificate = &pair
		}
		entry.routes = w.tableRoutes(g, l)
		made.listeners = append(made.listeners, entry)
	}
	return made
}

// tableRoutes are the routes of one listener, the most specific host name and path first.
func (w *world) tableRoutes(g gateway, l listener) []tableRoute {
	var routes []tableRoute
	for _, route := range w.routes {
		for _, ref := range route.Spec.ParentRefs {
			parent, ok := w.parent(route, ref)
			if !ok || parent.Name != g.Name || parent.Namespace != g.Namespace {
				continue
			}
			attached, refused := w.attach(route, ref, g)
			if refused != (refusal{}) || !slices.ContainsFunc(attached, func(a listener) bool { return a.Name == l.Name }) {
				continue
			}
			for _, hostname := range hostnames(l, route) {
				routes = append(routes, w.matches(route, hostname)...)
			}
		}
	}
	slices.SortStableFunc(routes, func(a, b tableRoute) int {
		return cmp.Or(
			-cmp.Compare(specificity(a.hostname), specificity(b.hostname)),
			-cmp.Compare(bit(a.exact), bit(b.exact)),
			-cmp.Compare(len(a.path), len(b.path)))
	})
	return routes
}

func (w *world) matches(route httpRoute, hostname string) []tableRoute {
	var routes []tableRoute
	for _, rule := range route.Spec.Rules {
		to := w.upstream(route, rule)
		if len(rule.Matches) == 0 {
			routes = append(routes, tableRoute{hostname: hostname, path: "/", upstream: to})
		}
		for _, match := range rule.Matches {
			routes = append(routes, tableRoute{
				hostname: hostname, path: cmp.Or(match.Path.Value, "/"), exact: match.Path.Type == "Exact", upstream: to,
			})
		}
	}
	return routes
}

// upstream is the rule's first backend; nil if that is not valid, or its BackendTLSPolicy is not.
func (w *world) upstream(route httpRoute, rule routeRule) *upstream {
	if len(rule.BackendRefs) == 0 || w.backend(route, rule.BackendRefs[0]) != (refusal{}) {
		return nil
	}
	ref := rule.BackendRefs[0]
	namespace := cmp.Or(ref.Namespace, route.Namespace)
	host := ref.Name + "." + namespace + ".svc.cluster.local"
	to := &upstream{address: net.JoinHostPort(host, strconv.Itoa(int(ref.Port)))}
	to.key = to.address
	for _, p := range w.tlsPolicies {
		if !w.secures(p, namespace, ref) {
			continue
		}
		roots, refused := w.authorities(p)
		if refused != (refusal{}) {
			return nil
		}
		to.secure, to.roots, to.name = true, roots, p.Spec.Validation.Hostname
		to.key = fmt.Sprint(to.address, to.name, p.UID, w.bundle(p))
	}
	return to
}

// secures says whether a BackendTLSPolicy targets the port of a Service.
func (w *world) secures(p policy, namespace string, ref backendRef) bool {
	for _, target := range p.targets() {
		if target.Kind != "Service" || target.Name != ref.Name || p.Namespace != namespace {
			continue
		}
		for _, port := range w.service(namespace, ref.Name).Spec.Ports {
			if port.Port == ref.Port && (target.SectionName == "" || target.SectionName == port.Name) {
				return true
			}
		}
	}
	return false
}

// bundle is the text of a policy's CA certificates.
func (w *world) bundle(p policy) string {
	var text strings.Builder
	for _, ref := range p.Spec.Validation.CACertificateRefs {
		if config := w.configMap(p.Namespace, ref.Name); config != nil {
			text.WriteString(config.Data["ca.crt"])
		}
	}
	return text.String()
}

// listener finds the listener of a port for a TLS server name (or, without TLS, a host): the most specific.
func (t table) listener(port int32, host string) (tableListener, bool) {
	var best tableListener
	found := false
	for _, l := range t.listeners {
		if l.port == port && covers(l.hostname, host) && (!found || specificity(l.hostname) > specificity(best.hostname)) {
			best, found = l, true
		}
	}
	return best, found
}

// overlapping says whether the certificate of a host's listener is also one for another listener of the port: for those, Envoy Gateway
// switches HTTP/2 off.
func (t table) overlapping(port int32, host string) bool {
	own, found := t.listener(port, host)
	if !found || own.certificate == nil {
		return false
	}
	return slices.ContainsFunc(t.listeners, func(l tableListener) bool {
		return l.port == port && l.hostname != own.hostname && own.certificate.Leaf.VerifyHostname(l.hostname) == nil
	})
}

// route finds the route for a request.
func (l tableListener) route(host, path string) (tableRoute, bool) {
	for _, route := range l.routes {
		if covers(route.hostname, host) && route.takes(path) {
			return route, true
		}
	}
	return tableRoute{}, false
}

func (r tableRoute) takes(path string) bool {
	if r.exact || path == r.path {
		return path == r.path
	}
	return strings.HasPrefix(path, strings.TrimSuffix(r.path, "/")+"/")
}

// specificity orders host name patterns: names over wildcards, long wildcards over short ones.
func specificity(pattern string) int {
	if strings.HasPrefix(pattern, "*") {
		return len(pattern)
	}
	return 1000 + len(pattern)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
