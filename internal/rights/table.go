package rights

import (
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/internal/shared"
)

// API groups.
const (
	core       = ""
	apps       = "apps"
	policy     = "policy"
	scaling    = "autoscaling"
	rbac       = "rbac.authorization.k8s.io"
	admission  = "admissionregistration.k8s.io"
	extensions = "apiextensions.k8s.io"
	leases     = "coordination.k8s.io"
	gatewayAPI = "gateway.networking.k8s.io"
	gatewayX   = "gateway.networking.x-k8s.io"
	envoy      = "gateway.envoyproxy.io"
)

// What is done with objects: with those of a release, and with those that are watched besides.
const (
	change = "get create patch delete"
	manage = "get list watch create patch delete"
	watch  = "list watch"
	read   = "get list watch"
)

// Table are the rights that environments on a cluster with this controller need, whatever they ask for.
func Table(c config.Controller) []Right {
	all := append(products(), controller()...)
	all = append(all, everywhere()...)
	if c.Installs() {
		all = append(all, installation(c)...)
		all = append(all, handedOn(c)...)
	}
	return all
}

func row(where Where, group, resources, verbs, why string, names ...string) Right {
	return Right{Where: where, Group: group, Resources: strings.Fields(resources), Verbs: strings.Fields(verbs), For: why, Names: names}
}

func optional(r Right) Right {
	r.Optional = true
	return r
}

// products are the rights in the namespace of each environment.
func products() []Right {
	const charts = "the charts' objects"
	return []Right{
		row(Products, core, "secrets", "get list create update patch delete", "credentials, certificates, the charts' Secrets, Helm's records, what was there before a change"),
		row(Products, core, "configmaps", "get list create patch delete", charts+", the public certificate of the CA, what keeps a namespace"),
		row(Products, core, "services serviceaccounts", change, charts),
		row(Products, core, "persistentvolumeclaims", "get list create patch delete", charts+", what keeps a namespace"),
		row(Products, rbac, "roles rolebindings", change, charts),
		row(Products, core, "endpoints", "get list", "the Role of Identity Server's chart: only who has a right can give it"),
		row(Products, policy, "poddisruptionbudgets", change, charts),
		row(Products, scaling, "horizontalpodautoscalers", change, charts+", where their values ask for them"),
		row(Products, "networking.k8s.io", "ingresses", change, charts+", where their values ask for them"),
		row(Products, "secrets-store.csi.x-k8s.io", "secretproviderclasses", change, charts+", where their values ask for them"),
		row(Products, apps, "deployments", manage, charts+", waiting until they are ready"),
		row(Products, apps, "replicasets", watch, "waiting, and saying why something does not start"),
		row(Products, core, "pods", read, "waiting, and saying why something does not start"),
		row(Products, core, "pods/log", "get", "saying why something does not start"),
		row(Products, core, "pods/portforward", "get create", "calling the products"),
		row(Products, core, "events", watch, "saying why something does not start"),
		row(Products, gatewayAPI, "gateways httproutes backendtlspolicies", manage, "the Gateway, routes, and how the gateway trusts the products"),
		row(Products, envoy, "backendtrafficpolicies", manage, "sessions of the portals"),
		row(Products, envoy, "envoyproxies", change, "the type of Envoy's Service (gateway.serviceType)"),
	}
}

// controller are the rights in the namespace of the gateway's controller that every environment needs.
func controller() []Right {
	return []Right{
		row(Controller, core, "services", "get list", "calling the gateway, as the verification does"),
		row(Controller, core, "pods", read, "calling the gateway, waiting, and saying why it does not serve"),
		row(Controller, core, "pods/log", "get", "saying why the gateway does not serve"),
		row(Controller, core, "pods/portforward", "get create", "calling the gateway"),
		row(Controller, core, "events", watch, "saying why the gateway does not serve"),
		row(Controller, apps, "replicasets", watch, "saying why the gateway does not serve"),
		optional(row(Controller, apps, "deployments", "get list", "saying why the gateway does not serve")),
		optional(row(Controller, core, "configmaps", "get", "saying which Envoy the controller is configured to run")),
	}
}

// everywhere are the rights on the whole cluster, and in the namespace that all share, which every environment needs.
func everywhere() []Right {
	return []Right{
		row(Everywhere, core, "namespaces", "get", "whether a namespace is there, and whose it is"),
		row(Everywhere, gatewayAPI, "gatewayclasses", manage, "the class that all environments share"),
		row(Everywhere, gatewayAPI, "gateways", "list", "who uses the gateway"),
		row(Everywhere, envoy, envoyKinds, "list", "who uses the gateway"),
		row(Everywhere, extensions, "customresourcedefinitions", "get list", "telling a kind that is missing from one that is not listed yet"),
		optional(row(Everywhere, core, "nodes", "get list", "saying that a pod waits for a lost node")),
		row(Shared, leases, "leases", "get create update delete", "the list of those who share the gateway", shared.Name),
	}
}

// Authorities are the rights in a namespace apart from the products', where the keys of CAs are. Without a name: each environment has its own,
// and a right to make objects cannot be limited.
func Authorities() []Right {
	return []Right{row(Authority, core, "secrets", "get create delete", "the CA and its key")}
}

const envoyKinds = "backends backendtrafficpolicies clienttrafficpolicies envoyextensionpolicies envoypatchpolicies envoyproxies httproutefilters securitypolicies"

// Definitions are the CRDs of the gateway releases that Lockstep installs ([gateway.Releases]): it may change no others.
func Definitions() (names []string) {
	for group, kinds := range map[string]string{envoy: envoyKinds, gatewayAPI: apiKinds, gatewayX: experimentalKinds} {
		for _, kind := range strings.Fields(kinds) {
			names = append(names, kind+"."+group)
		}
	}
	slices.Sort(names)
	return names
}

const (
	apiKinds          = "backendtlspolicies gatewayclasses gateways grpcroutes httproutes listenersets referencegrants tcproutes tlsroutes udproutes"
	experimentalKinds = "xbackends xbackendtrafficpolicies xlistenersets xmeshes"
)
