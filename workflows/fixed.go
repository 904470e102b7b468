package workflows

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/activities"
	"lockstep/config"
)

// fixed is a field that names what a run already made or looked at: changed, Undo would look elsewhere.
type fixed struct {
	path string
	of   func(config.Environment) any
	by   []string // the steps from which on; none: from the beginning
}

func fixedFields() []fixed {
	return []fixed{
		{"name", func(e config.Environment) any { return e.Name }, nil},
		{"approvals", func(e config.Environment) any { return e.Approvals }, nil},
		{"cluster.kubeconfig", func(e config.Environment) any { return e.Cluster.Kubeconfig }, []string{"namespace", "image", "gateway-crds"}},
		{"cluster.context", func(e config.Environment) any { return e.Cluster.Context }, []string{"namespace", "image", "gateway-crds"}},
		{"namespace", func(e config.Environment) any { return e.Namespace }, []string{"namespace"}},
		{"credentials.adminUsername", func(e config.Environment) any { return e.Credentials.AdminUsername }, []string{"credentials"}},
		{"credentials.secret", func(e config.Environment) any { return e.Credentials.Secret }, []string{"credentials"}},
		// The certificates are for these names.
		{"certificates.ca", func(e config.Environment) any { return e.Certificates.CA }, []string{"certificates"}},
		{"certificates.gatewayTLS", func(e config.Environment) any { return e.Certificates.GatewayTLS }, []string{"certificates"}},
		{"certificates.validity", func(e config.Environment) any { return e.Certificates.Validity }, []string{"certificates"}},
		{"certificates.extraDNSNames", func(e config.Environment) any { return e.Certificates.ExtraDNSNames }, []string{"certificates"}},
		{"hostnames.management", func(e config.Environment) any { return e.Hostnames.Management }, []string{"certificates"}},
		{"hostnames.gateway", func(e config.Environment) any { return e.Hostnames.Gateway }, []string{"certificates"}},
		{"hostnames.websocket", func(e config.Environment) any { return e.Hostnames.WebSocket }, []string{"certificates"}},
		{"hostnames.websub", func(e config.Environment) any { return e.Hostnames.WebSub }, []string{"certificates"}},
		{"hostnames.keyManager", func(e config.Environment) any { return e.Hostnames.KeyManager }, []string{"certificates"}},
		{"identityServer.release", func(e config.Environment) any { return e.IdentityServer.Release }, []string{"certificates"}},
		{"apiManager.release", func(e config.Environment) any { return e.APIManager.Release }, []string{"certificates"}},
		// Undo removes the one image that was built.
		{"image.base", func(e config.Environment) any { return e.Image.Base }, []string{"image"}},
		{"image.target", func(e config.Environment) any { return e.Image.Target }, []string{"image"}},
		{"image.platforms", func(e config.Environment) any { return e.Image.Platforms }, []string{"image"}},
		{"image.artifacts", func(e config.Environment) any { return e.Image.Artifacts }, []string{"image"}},
		// The chart brings the kinds.
		{"routing.install", func(e config.Environment) any { return e.Routing.Installs() }, []string{"gateway-crds"}},
		{"routing.chart", func(e config.Environment) any { return e.Routing.Chart }, []string{"gateway-crds"}},
		{"routing.crds", func(e config.Environment) any { return e.Routing.CRDs }, []string{"gateway-crds"}},
		{"routing.release", func(e config.Environment) any { return e.Routing.Release }, []string{"gateway"}},
		{"routing.namespace", func(e config.Environment) any { return e.Routing.Namespace }, []string{"gateway"}},
		{"routing.gateway", func(e config.Environment) any { return e.Routing.Gateway }, []string{"gateway"}},
		{"routing.gatewayClass", func(e config.Environment) any { return e.Routing.GatewayClass }, []string{"gateway"}},
		{"routing.controllerName", func(e config.Environment) any { return e.Routing.ControllerName }, []string{"gateway"}},
		{"routing.values.nameOverride", func(e config.Environment) any { return e.Routing.Values["nameOverride"] }, []string{"gateway"}},
		{"routing.values.fullnameOverride", func(e config.Environment) any { return e.Routing.Values["fullnameOverride"] }, []string{"gateway"}},
		// The key manager is in API Manager's database.
		{"keyManager.name", func(e config.Environment) any { return e.KeyManager.Name }, []string{activities.APIManager, "key-manager"}},
		{"apiManager.values.wso2.apim.configurations.databases", databases, []string{"key-manager"}},
	}
}

func databases(e config.Environment) any {
	at := map[string]any(e.APIManager.Values)
	for _, key := range []string{"wso2", "apim", "configurations"} {
		at, _ = at[key].(map[string]any)
	}
	return at["databases"]
}

// unchangeable says what may not differ between two environments of one run, given the steps that have begun; nothing if all that
// differs may.
func unchangeable(before, after config.Environment, began func(step string) bool) string {
	var found []string
	for _, field := range fixedFields() {
		old, now := text(field.of(before)), text(field.of(after))
		if old == now || field.by != nil && !slices.ContainsFunc(field.by, began) {
			continue
		}
		found = append(found, fmt.Sprintf("%s: this run has used %s already, it cannot become %s", field.path, old, now))
	}
	if len(found) == 0 {
		return ""
	}
	return strings.Join(append(found, "leave them as they are, or roll back and deploy the changed file"), "\n")
}

// text is a value as a person reads it.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return fmt.Sprintf("%q", v)
	default:
		return fmt.Sprintf("%+v", v) // maps with sorted keys
	}
}
