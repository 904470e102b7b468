package gateway

import (
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/manifest"
)

// Values are the gateway chart's values: the controller answers to the environment's controller name, and the user's
// own values are over it. Nothing else is needed: none of the products' objects uses Envoy Gateway's Backend extension.
func Values(env config.Environment) map[string]any {
	own := map[string]any{"config": map[string]any{"envoyGateway": map[string]any{
		"gateway": map[string]any{"controllerName": env.Routing.ControllerName},
	}}}
	return config.MergeValues(own, env.Routing.Values)
}

// Hook is the Job by which the chart makes its certificates before it installs anything else, in the chart's namespace.
// Helm waits for it without a word, so look at it meanwhile.
func Hook(env config.Environment) string { return fullname(env.Routing.Controller) + "-certgen" }

// Deployment is the controller's, in the chart's namespace; its name is fixed by the chart.
const Deployment = "envoy-gateway"

// HookObjects are what an uninstallation of the gateway chart leaves, for Helm removes no hooks: what certgen runs with,
// the webhook, the Secrets that certgen makes (envoyproxy/gateway v1.7.0, internal/provider/kubernetes/secrets.go), and
// the lease of the controller's leader election.
func HookObjects(env config.Environment) []cluster.Ref {
	ns, hook := env.Routing.Namespace, Hook(env)
	release := "app.kubernetes.io/instance=" + env.Routing.Release
	const certgen, rbac = "control-plane=envoy-gateway", "rbac.authorization.k8s.io/v1"
	return []cluster.Ref{
		{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration", Name: Webhook(env.Routing.Controller), Owner: release},
		{APIVersion: "batch/v1", Kind: "Job", Namespace: ns, Name: hook, Owner: release},
		{APIVersion: rbac, Kind: "ClusterRoleBinding", Name: hook + ":" + ns, Owner: release},
		{APIVersion: rbac, Kind: "ClusterRole", Name: hook + ":" + ns, Owner: release},
		{APIVersion: rbac, Kind: "RoleBinding", Namespace: ns, Name: hook, Owner: release},
		{APIVersion: rbac, Kind: "Role", Namespace: ns, Name: hook, Owner: release},
		{APIVersion: "v1", Kind: "ServiceAccount", Namespace: ns, Name: hook, Owner: release},
		{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "envoy-gateway", Owner: certgen},
		{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "envoy", Owner: certgen},
		{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "envoy-rate-limit", Owner: certgen},
		{APIVersion: "v1", Kind: "Secret", Namespace: ns, Name: "envoy-oidc-hmac", Owner: certgen},
		// The controller labels its lease with nothing.
		{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Namespace: ns, Name: "5b9825d2.gateway.envoyproxy.io", Owner: "!" + cluster.ManagedByLabel},
	}
}

// Webhook is the name of the chart's MutatingWebhookConfiguration, which the cluster has once.
func Webhook(c config.Controller) string { return "envoy-gateway-topology-injector." + c.Namespace }

// ClusterRoles are the names of the chart's ClusterRoles and their bindings: of the controller, by its modes, and of certgen.
func ClusterRoles(c config.Controller) []string {
	name := fullname(c)
	return []string{name + "-envoy-gateway-role", name + "-envoy-gateway-rolebinding", name + "-cluster-infra-manager", name + "-infra-manager-tokenreview",
		name + "-certgen:" + c.Namespace}
}

// fullname is the chart's helper eg.fullname.
func fullname(c config.Controller) string {
	if name := manifest.Text(c.Values, "fullnameOverride"); name != "" {
		return config.FullName(name, name)
	}
	chart := "gateway-helm"
	if name := manifest.Text(c.Values, "nameOverride"); name != "" {
		chart = name
	}
	return config.FullName(c.Release, chart)
}
