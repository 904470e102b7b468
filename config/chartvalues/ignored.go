package chartvalues

import (
	"fmt"

	"lockstep/config"
)

// ignoredKey is a key that no template of the chart reads, or that breaks the chart.
type ignoredKey struct{ key, message, next string }

func gatewayIgnores() []ignoredKey {
	return []ignoredKey{
		{"envoyGateway", "is not a value of the gateway chart: the chart ignores it silently",
			"remove it, and configure Envoy Gateway below config.envoyGateway, for example config.envoyGateway.extensionApis.enableBackend"},
	}
}

func isIgnores() []ignoredKey {
	const other = "is a value of the API Manager chart: this chart ignores it silently"
	return []ignoredKey{
		{"wso2.deployment", other, "set image.target for the image; the chart's own settings are below deployment"},
		{"wso2.apim", other, "move it to apiManager.values"},
		{"kubernetes", other, "move it to apiManager.values"},
		{"deployment.image.imagePullSecret", "makes the chart fail to render (nil pointer evaluating .Values.wso2.deployment.image)",
			"remove it and set image.pullSecret: Lockstep puts it on the pods itself"},
	}
}

func apimIgnores() []ignoredKey {
	const unread = "is not read by the chart: the chart ignores it silently"
	return []ignoredKey{
		{"kubernetes.ingress.controlPlane", unread, "set hostnames.management; the chart's own key would be kubernetes.ingress.management"},
		{"kubernetes.gatewayAPI.is", unread, "set hostnames.keyManager: Lockstep makes Identity Server's route"},
		{"ingress", unread, "set hostnames; the chart's own key would be kubernetes.ingress"},
		{"ingressClass", unread, "remove it; the chart's own key would be kubernetes.ingressClass"},
		{"gatewayAPI", unread, "set hostnames and routing; the chart's own key would be kubernetes.gatewayAPI"},
		{"deploymentToml", "is a value of the Identity Server chart: this chart ignores it silently", "move it to identityServer.values"},
		{"deployment", "is a value of the Identity Server chart: this chart ignores it silently", "move it to identityServer.values, or below wso2.deployment"},
	}
}

// checkIgnoredValues names keys that look as if they did something. A silent chart is how hours are lost.
func checkIgnoredValues(e config.Environment) (found problems) {
	for i, ignored := range [][]ignoredKey{isIgnores(), apimIgnores()} {
		found.ignored(parts(e)[i], ignored)
	}
	return found
}

func (p *problems) ignored(of part, keys []ignoredKey) {
	for _, key := range keys {
		if value, given := of.values.Lookup(key.key); given && value != nil && value != "" {
			p.Add(of.name+".values."+key.key, "", key.message, key.next)
		}
	}
}

// checkListedHostnames looks at the gateway environments that API Manager shows to developers: the default one must
// carry the environment's names, or every "try it" and every listed URL leads elsewhere.
func checkListedHostnames(e config.Environment) (found problems) {
	const key = config.APIMConfigurations + "gateway.environments"
	value, _ := e.APIManager.Values.Lookup(key)
	list, _ := value.([]any)
	for i, item := range list {
		entry, _ := item.(map[string]any)
		if entry["name"] != "Default" {
			continue
		}
		for _, host := range []struct{ key, field, want string }{
			{"httpHostname", "hostnames.gateway", e.Hostnames.Gateway},
			{"wsHostname", "hostnames.websocket", e.Hostnames.WebSocket},
			{"websubHostname", "hostnames.websub", e.Hostnames.WebSub},
		} {
			if given := fmt.Sprint(entry[host.key]); entry[host.key] != nil && given != host.want {
				found.Add(fmt.Sprintf("apiManager.values.%s[%d].%s", key, i, host.key), given, "is not "+host.field+" ("+host.want+")", "write "+host.want+", or change "+host.field)
			}
		}
	}
	return found
}

// warnValues names settings that work on some clusters only.
func warnValues(e config.Environment) (found problems) {
	if e.IdentityServer.Values.IsTrue("deployment.apparmor.enabled") {
		found.Add("identityServer.values.deployment.apparmor.enabled", "true", "needs AppArmor on every node: a node without it rejects the pods again and again",
			"remove it unless your nodes have AppArmor")
	}
	return found
}
