package envoy

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tlsPolicyStatus is the status of a BackendTLSPolicy: one ancestor for each Gateway through which its Services are
// reached. One that no route leads to has none.
func (w *world) tlsPolicyStatus(p policy, now time.Time) policyStatus {
	_, refused := w.authorities(p)
	accepted := refusal{}
	if refused != (refusal{}) {
		accepted = refusal{"NoValidCACertificate", "No valid CA certificate: " + refused.message}
	}
	return w.policyStatus(p, now, w.throughServices(p),
		either("Accepted", "Policy has been accepted.", accepted),
		either("ResolvedRefs", "Resolved all the Object references for the BackendTLSPolicy", refused))
}

// trafficPolicyStatus is the status of a BackendTrafficPolicy: one ancestor for each Gateway of its routes.
func (w *world) trafficPolicyStatus(p policy, now time.Time) policyStatus {
	return w.policyStatus(p, now, w.throughRoutes(p), yes("Accepted", "Policy has been accepted."))
}

func (w *world) policyStatus(p policy, now time.Time, ancestors []parentRef, conditions ...metav1.Condition) policyStatus {
	status := policyStatus{Ancestors: []ancestorStatus{}}
	for _, ancestor := range p.Status.Ancestors {
		if ancestor.ControllerName != w.controller {
			status.Ancestors = append(status.Ancestors, ancestor)
		}
	}
	for _, ref := range ancestors {
		var before []metav1.Condition
		for _, ancestor := range p.Status.Ancestors {
			if ancestor.ControllerName == w.controller && ancestor.AncestorRef == ref {
				before = ancestor.Conditions
			}
		}
		status.Ancestors = append(status.Ancestors, ancestorStatus{
			AncestorRef: ref, ControllerName: w.controller, Conditions: settle(before, p.Generation, now, conditions...),
		})
	}
	return status
}

// throughServices lists the Gateways whose routes lead to a Service that the policy targets.
func (w *world) throughServices(p policy) []parentRef {
	return w.gatewaysOf(func(route httpRoute) bool {
		for _, rule := range route.Spec.Rules {
			for _, ref := range rule.BackendRefs {
				if targetsService(p, cmp.Or(ref.Namespace, route.Namespace), ref.Name) {
					return true
				}
			}
		}
		return false
	})
}

func targetsService(p policy, namespace, name string) bool {
	for _, target := range p.targets() {
		if target.Kind == "Service" && target.Name == name && p.Namespace == namespace {
			return true
		}
	}
	return false
}

func (w *world) throughRoutes(p policy) []parentRef {
	return w.gatewaysOf(func(route httpRoute) bool {
		for _, target := range p.targets() {
			if target.Kind == "HTTPRoute" && target.Name == route.Name && p.Namespace == route.Namespace {
				return true
			}
		}
		return false
	})
}

// gatewaysOf lists the Gateways of this controller to which routes that match belong, each once.
func (w *world) gatewaysOf(matches func(httpRoute) bool) []parentRef {
	var refs []parentRef
	seen := map[parentRef]bool{}
	for _, route := range w.routes {
		if !matches(route) {
			continue
		}
		for _, parent := range route.Spec.ParentRefs {
			g, ok := w.parent(route, parent)
			ref := parentRef{Group: gatewayGroup, Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}
			if ok && !seen[ref] {
				seen[ref] = true
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// authorities are the CA certificates by which a BackendTLSPolicy verifies; nil with no refusal are the system's.
func (w *world) authorities(p policy) (*x509.CertPool, refusal) {
	if len(p.Spec.Validation.CACertificateRefs) == 0 {
		return nil, refusal{}
	}
	pool := x509.NewCertPool()
	for _, ref := range p.Spec.Validation.CACertificateRefs {
		if ref.Kind != "ConfigMap" {
			return nil, refusal{"InvalidKind", fmt.Sprintf("caCertificateRef kind %s is not simulated", ref.Kind)}
		}
		config := w.configMap(p.Namespace, ref.Name)
		if config == nil {
			return nil, refusal{"InvalidCACertificateRef", fmt.Sprintf("configmap %s/%s not found", p.Namespace, ref.Name)}
		}
		if config.Data["ca.crt"] == "" {
			return nil, refusal{"InvalidCACertificateRef", fmt.Sprintf("no ca found in configmap %s/%s: key ca.crt is missing", p.Namespace, ref.Name)}
		}
		if !pool.AppendCertsFromPEM([]byte(config.Data["ca.crt"])) {
			return nil, refusal{"InvalidCACertificateRef", fmt.Sprintf("ca.crt in configmap %s/%s holds no PEM certificate", p.Namespace, ref.Name)}
		}
	}
	return pool, refusal{}
}
