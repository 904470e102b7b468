package gateway

import (
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// Needs are the kinds that must be served before the API Manager chart, the Gateway and the routes can be applied, and without which Envoy
// Gateway does not start (internal/provider/kubernetes/controller.go, v1.7.0 and v1.9.0). It looks itself for all others that its chart brings.
func Needs(env config.Environment) []schema.GroupVersionKind {
	kinds := []schema.GroupVersionKind{
		schema.FromAPIVersionAndKind(gatewayAPI, "GatewayClass"),
		schema.FromAPIVersionAndKind(gatewayAPI, "Gateway"),
		schema.FromAPIVersionAndKind(gatewayAPI, "HTTPRoute"),
		schema.FromAPIVersionAndKind(gatewayAPI, "BackendTLSPolicy"),
		schema.FromAPIVersionAndKind(envoyAPI, "BackendTrafficPolicy"),
	}
	if env.Routing.Installs() {
		kinds = append(kinds, schema.FromAPIVersionAndKind("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"))
	}
	if needsProxy(env) {
		kinds = append(kinds, schema.FromAPIVersionAndKind(envoyAPI, "EnvoyProxy"))
	}
	return kinds
}

// Unserved turns the missing ones of [Needs] into a failure, nil if none is missing. denied are the CRDs that a policy of the cluster does not
// let Lockstep make. It tells a cluster with an old Gateway API, as some managed clusters have, from one without any, and from one
// that lacks only Envoy Gateway's kinds.
func Unserved(env config.Environment, missing []schema.GroupVersionKind, denied []string) error {
	if len(missing) == 0 {
		return nil
	}
	text := "the cluster does not serve"
	for i, gvk := range missing {
		if i > 0 {
			text += ","
		}
		text += " " + gvk.Kind + " of " + gvk.GroupVersion().String()
	}
	if len(denied) > 0 {
		text += "; a policy of the cluster denies CRDs of the gateway chart: " + strings.Join(denied, "; ")
	}
	return &failure.Error{Kind: failure.NotFound, Reason: cluster.ReasonMissingKind, Doing: "checking the Gateway API", Cause: errors.New(text),
		Next: nextFor(env, missing, len(denied) > 0)}
}

func nextFor(env config.Environment, missing []schema.GroupVersionKind, denied bool) string {
	ofGatewayAPI := func(kinds []schema.GroupVersionKind) int {
		return len(slices.DeleteFunc(slices.Clone(kinds), func(gvk schema.GroupVersionKind) bool { return strings.HasPrefix(envoyAPI, gvk.Group+"/") }))
	}
	lacks := ofGatewayAPI(missing)
	switch own := "install those of Gateway API v1.4 or later and those of Envoy Gateway"; {
	case denied:
		return "upgrade the cluster's CRDs of Gateway API to v1.4 or later and install those of Envoy Gateway, or ask the policy's owner to let them be made. " +
			"Gateway API's own policy, safe-upgrades.gateway.networking.k8s.io, admits neither a version before v1.5 nor experimental CRDs over standard ones; " +
			"a newer gateway chart (gateway.chart.version) may have CRDs that it admits"
	case !env.Routing.Installs():
		return own + " yourself: Lockstep brings CRDs only with a controller that it installs itself (gateway.install)"
	case env.Routing.LeavesCRDs():
		return "gateway.values.crds.enabled: false leaves the CRDs to somebody else: take it out, so that Lockstep brings them (gateway.crds: create or create-replace), or " + own + " yourself"
	case lacks == 0 && env.Routing.BringsCRDs():
		return "those of Envoy Gateway are there in an older version: let Lockstep upgrade them (gateway.crds: create-replace)"
	case lacks == 0:
		return "only those of Envoy Gateway are missing: let Lockstep install them (gateway.crds: create), or install them"
	case lacks < ofGatewayAPI(Needs(env)):
		return "its CRDs are older than Gateway API v1.4, or incomplete: upgrade them, or let Lockstep do so (gateway.crds: create-replace) " +
			"if nobody else depends on the old ones"
	}
	return "let Lockstep install the CRDs (gateway.crds: create), or install those of Gateway API v1.4 or later and of Envoy Gateway"
}
