package envoy

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// world is everything the simulation decides from, as it is in the cluster at one moment.
type world struct {
	namespace  string // the controller's own; proxies go there
	controller string // the controllerName it answers to
	pairs      *pairs // of the Secrets

	classes         []gatewayClass
	gateways        []gateway
	routes          []httpRoute
	tlsPolicies     []policy
	trafficPolicies []policy
	proxies         []envoyProxy
	services        []corev1.Service
	secrets         []corev1.Secret
	configMaps      []corev1.ConfigMap
	accounts        []corev1.ServiceAccount
	nodes           []corev1.Node
	deployments     []appsv1.Deployment
}

// class finds the GatewayClass of a Gateway, if it is one of this controller.
func (w *world) class(g gateway) (gatewayClass, bool) {
	for _, class := range w.classes {
		if class.Name == g.Spec.GatewayClassName && class.Spec.ControllerName == w.controller {
			return class, true
		}
	}
	return gatewayClass{}, false
}

// managed lists the Gateways of this controller.
func (w *world) managed() []gateway {
	var mine []gateway
	for _, g := range w.gateways {
		if _, ok := w.class(g); ok && g.DeletionTimestamp == nil {
			mine = append(mine, g)
		}
	}
	return mine
}

// parent finds the Gateway of this controller that a route's parentRef means.
func (w *world) parent(route httpRoute, ref parentRef) (gateway, bool) {
	if cmp.Or(ref.Kind, "Gateway") != "Gateway" || cmp.Or(ref.Group, gatewayGroup) != gatewayGroup {
		return gateway{}, false
	}
	for _, g := range w.managed() {
		if g.Name == ref.Name && g.Namespace == cmp.Or(ref.Namespace, route.Namespace) {
			return g, true
		}
	}
	return gateway{}, false
}

func (w *world) service(namespace, name string) *corev1.Service {
	i := slices.IndexFunc(w.services, func(s corev1.Service) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 {
		return nil
	}
	return &w.services[i]
}

func (w *world) secret(namespace, name string) *corev1.Secret {
	i := slices.IndexFunc(w.secrets, func(s corev1.Secret) bool { return s.Namespace == namespace && s.Name == name })
	if i < 0 {
		return nil
	}
	return &w.secrets[i]
}

func (w *world) configMap(namespace, name string) *corev1.ConfigMap {
	i := slices.IndexFunc(w.configMaps, func(c corev1.ConfigMap) bool { return c.Namespace == namespace && c.Name == name })
	if i < 0 {
		return nil
	}
	return &w.configMaps[i]
}

func (w *world) proxy(namespace, name string) *envoyProxy {
	i := slices.IndexFunc(w.proxies, func(p envoyProxy) bool { return p.Namespace == namespace && p.Name == name })
	if i < 0 {
		return nil
	}
	return &w.proxies[i]
}

func (w *world) deployment(name string) *appsv1.Deployment {
	i := slices.IndexFunc(w.deployments, func(d appsv1.Deployment) bool { return d.Namespace == w.namespace && d.Name == name })
	if i < 0 {
		return nil
	}
	return &w.deployments[i]
}
