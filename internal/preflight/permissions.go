package preflight

import (
	"context"
	"errors"
	"strings"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/failure"
	"lockstep/internal/shared"
)

// Permissions asks for what the steps need that is most often missing, and fails with all of it that the worker's account may not.
func Permissions(ctx context.Context, c *cluster.Client, env config.Environment) error {
	denied, err := c.Allowed(ctx, permissions(env))
	if err != nil {
		return err
	}
	if len(denied) == 0 {
		return nil
	}
	return &failure.Error{Kind: failure.Unauthorized, Cause: errors.New("the worker's account may not " + strings.Join(grouped(denied), "; ")),
		Next: "bind a ClusterRole that allows it to the account (docs/permissions.md)"}
}

// grouped are the denied verbs, one text for each resource.
func grouped(denied []cluster.Access) []string {
	var texts []string
	for i := 0; i < len(denied); {
		all := denied[i]
		var verbs []string
		for ; i < len(denied) && sameResource(all, denied[i]); i++ {
			verbs = append(verbs, denied[i].Verb)
		}
		all.Verb = strings.Join(verbs, ", ")
		texts = append(texts, all.String())
	}
	return texts
}

func sameResource(a, b cluster.Access) bool {
	a.Verb = b.Verb
	return a == b
}

func permissions(env config.Environment) []cluster.Access {
	var all []cluster.Access
	add := func(group, resource, namespace string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, cluster.Access{Verb: verb, Group: group, Resource: resource, Namespace: namespace})
		}
	}
	change := []string{"get", "create", "patch", "delete"}
	watch := append([]string{"list", "watch"}, change...)
	own := env.Namespace
	add("", "namespaces", "", "get", "create", "delete")
	for _, resource := range []string{"secrets", "configmaps", "services", "serviceaccounts"} {
		add("", resource, own, change...)
	}
	for _, resource := range []string{"roles", "rolebindings"} {
		add("rbac.authorization.k8s.io", resource, own, change...)
	}
	add("", "secrets", own, "list", "update") // Helm's records
	add("policy", "poddisruptionbudgets", own, change...)
	add("apps", "deployments", own, watch...)
	watched(add, own)
	for _, resource := range []string{"gateways", "httproutes", "backendtlspolicies"} {
		add("gateway.networking.k8s.io", resource, own, watch...)
	}
	add("gateway.networking.k8s.io", "gatewayclasses", "", watch...)
	add("gateway.networking.k8s.io", "gateways", "", "list") // whether others use the controller: [gateway.Watched]
	for _, resource := range []string{"backends", "backendtrafficpolicies", "clienttrafficpolicies", "envoyextensionpolicies", "envoypatchpolicies",
		"envoyproxies", "httproutefilters", "securitypolicies"} {
		add("gateway.envoyproxy.io", resource, "", "list")
	}
	add("gateway.envoyproxy.io", "backendtrafficpolicies", own, change...)
	add("apps", "deployments", "", "list")             // controllers of gateways
	add("", "services", env.Routing.Namespace, "list") // of the data plane, which the verification calls through
	watched(add, env.Routing.Namespace)
	add("apiextensions.k8s.io", "customresourcedefinitions", "", "get", "list")                 // to tell a kind that is missing from one not listed yet
	add("coordination.k8s.io", "leases", shared.Namespace, "get", "create", "update", "delete") // who uses the gateway
	if env.Routing.Installs() {
		add("apiextensions.k8s.io", "customresourcedefinitions", "", change...)
		if env.Routing.ReplacesCRDs() {
			add("apiextensions.k8s.io", "customresourcedefinitions", "", "update")
			add("apiextensions.k8s.io", "customresourcedefinitions/status", "", "update")
		}
		add("rbac.authorization.k8s.io", "clusterroles", "", change...)
		add("rbac.authorization.k8s.io", "clusterrolebindings", "", change...)
		for _, resource := range []string{"mutatingwebhookconfigurations", "validatingadmissionpolicies", "validatingadmissionpolicybindings"} {
			add("admissionregistration.k8s.io", resource, "", change...)
		}
		add("batch", "jobs", env.Routing.Namespace, "get", "list", "watch", "create", "delete")
		add("", "secrets", env.Routing.Namespace, append([]string{"list", "update"}, change...)...)
		add("apps", "deployments", env.Routing.Namespace, watch...)
	}
	return all
}

// watched is what waits, their diagnosis and calls to the pods need.
func watched(add func(group, resource, namespace string, verbs ...string), namespace string) {
	add("", "pods", namespace, "list", "watch")
	add("", "pods/portforward", namespace, "create")
	add("", "pods/log", namespace, "get")
	add("", "events", namespace, "list", "watch")
	add("apps", "replicasets", namespace, "list", "watch")
}
