package rights

import (
	"slices"
	"strings"

	"lockstep/config"
	"lockstep/internal/gateway"
)

// installation are the rights to install the gateway's chart and its CRDs, and to remove them after the last environment.
func installation(c config.Controller) []Right {
	const chart, records = "the gateway chart's objects", "Helm's records, certificates that the chart's hook makes"
	const plane = "removing what a controller that does not run leaves of its data plane"
	all := []Right{
		row(Controller, core, "secrets", "get list create update patch delete", records),
		row(Controller, core, "configmaps", manage, chart),
		row(Controller, core, "services serviceaccounts", manage, chart),
		row(Controller, apps, "deployments", manage, chart),
		row(Controller, apps, "daemonsets", "list delete", plane),
		row(Controller, policy, "poddisruptionbudgets", "list "+change, chart),
		row(Controller, scaling, "horizontalpodautoscalers", "list "+change, chart),
		row(Controller, core, "pods", "delete", plane),
		row(Controller, "batch", "jobs", manage, "the chart's hook"),
		row(Controller, rbac, "roles rolebindings", change, chart),
		row(Controller, leases, "leases", "get delete", "the controller's Lease, which it leaves behind"),
		row(Products, core, "services serviceaccounts", "list", plane),
		row(Products, core, "pods", "delete", plane),
		row(Products, apps, "daemonsets", "list delete", plane),
		row(Products, policy, "poddisruptionbudgets", "list", plane),
		row(Products, scaling, "horizontalpodautoscalers", "list", plane),
		row(Everywhere, rbac, "clusterroles clusterrolebindings", "create", chart),
		row(Everywhere, rbac, "clusterroles clusterrolebindings", "get patch delete", chart, gateway.ClusterRoles(c)...),
		row(Everywhere, admission, "mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings", "create", chart),
		row(Everywhere, admission, "mutatingwebhookconfigurations", "get patch delete", chart, gateway.Webhook(c)),
		row(Everywhere, admission, "validatingadmissionpolicies validatingadmissionpolicybindings", "get patch delete", chart, "safe-upgrades."+gatewayAPI),
		row(Everywhere, apps, "deployments", "list", "whether another controller needs the CRDs"),
		row(Everywhere, gatewayAPI, apiKinds, "list", "whether CRDs have objects, before they are removed"),
		row(Everywhere, gatewayX, experimentalKinds, "list", "whether CRDs have objects, before they are removed"),
	}
	if !c.BringsCRDs() {
		return all
	}
	all = append(all,
		row(Everywhere, extensions, "customresourcedefinitions", "create", "the CRDs of the gateway chart"),
		row(Everywhere, extensions, "customresourcedefinitions", "update patch delete", "the CRDs of the gateway chart", Definitions()...))
	if c.ReplacesCRDs() {
		all = append(all, row(Everywhere, extensions, "customresourcedefinitions/status", "update", "forgetting versions of CRDs that are replaced", Definitions()...))
	}
	return all
}

// handed is what [handedOn] is for.
const handed = "the controller's own: only who has a right can give it"

// handedOn are the rights of the gateway's controller. Only an account that has them all can make the Roles that give them: Kubernetes would
// ask for "escalate" otherwise, which is every right there is.
func handedOn(c config.Controller) []Right {
	const why, infra = handed, "create get list delete deletecollection patch watch"
	return []Right{
		row(Everywhere, core, "configmaps secrets services nodes namespaces", read, why),
		row(Everywhere, core, "pods pods/binding", "get list patch update watch", why),
		row(Everywhere, apps, "deployments daemonsets", read, why),
		row(Everywhere, "discovery.k8s.io", "endpointslices", read, why),
		row(Everywhere, "multicluster.x-k8s.io", "serviceimports", read, why),
		row(Everywhere, envoy, envoyKinds, read, why),
		row(Everywhere, envoy, status(envoyKinds, "httproutefilters"), "update", why),
		row(Everywhere, gatewayAPI, apiKinds, read, why),
		row(Everywhere, gatewayAPI, "gatewayclasses", "patch update", why),
		row(Everywhere, gatewayAPI, status(apiKinds, "referencegrants"), "update", why),
		row(Everywhere, gatewayX, "xlistenersets", read, why),
		row(Everywhere, gatewayX, "xlistenersets/status", "update", why),
		row(Everywhere, admission, "mutatingwebhookconfigurations", read, why),
		row(Everywhere, admission, "mutatingwebhookconfigurations", "update", why, gateway.Webhook(c)),
		row(Controller, core, "serviceaccounts services", infra, why),
		row(Controller, core, "configmaps", infra+" update", why),
		row(Controller, core, "events", "create patch", why),
		row(Controller, apps, "deployments daemonsets", infra, why),
		row(Controller, scaling, "horizontalpodautoscalers poddisruptionbudgets", infra, why),
		row(Controller, policy, "horizontalpodautoscalers poddisruptionbudgets", infra, why),
		row(Controller, leases, "leases", "get list watch create update patch delete", why),
		row(Controller, "certificates.k8s.io", "clustertrustbundles", read, why),
	}
}

// status are the subresources of kinds, but for those that have none.
func status(kinds string, without ...string) string {
	var all []string
	for _, kind := range strings.Fields(kinds) {
		if !slices.Contains(without, kind) {
			all = append(all, kind+"/status")
		}
	}
	return strings.Join(all, " ")
}
