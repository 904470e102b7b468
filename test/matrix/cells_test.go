package matrix

import (
	"fmt"

	"lockstep/sandbox/fault"
	"lockstep/test/world"
)

const (
	extensions = "apiextensions.k8s.io"
	gatewayAPI = "gateway.networking.k8s.io"
	crds       = "customresourcedefinitions"
)

// crashing makes API Manager refuse to start, for a reason that nobody but itself can see.
func crashing() map[string]any {
	return map[string]any{"apiManager.values.wso2.apim.configurations.userStore.type": "$ref{nothing.here}"}
}

// cells are all that can fail.
func cells() []cell {
	var all []cell
	for _, of := range [][]cell{preflight(), namespace(), credentials(), certificates(), image(), gatewayCRDs(), gateway(),
		identityServer(), apiManagerCells(), routes(), keyManager(), verify(), report()} {
		all = append(all, of...)
	}
	return all
}

func preflight() []cell {
	wrongBase := map[string]any{"image.base": "docker.io/wso2/wso2is:0.0.1"}
	return []cell{
		{step: "preflight", start: nothing, how: "a base image that does not exist",
			file: wrongBase, says: []string{"correct image.base", untouched}},
		{step: "preflight", start: foreign, how: "a Helm release `is` of somebody else",
			before: []act{puts(foreignRelease("is"))},
			says:   []string{"release apim/is", "was not made by Lockstep", untouched}},
		{step: "preflight", start: older, how: "the account may not ask what it may do",
			file:  map[string]any{"cluster.kubeconfig": proxied},
			fails: []act{forbids("preflight", "/selfsubjectaccessreviews")}, says: []string{unwanted, untouched}},
		{step: "preflight", start: halved, how: "Deployment deleted; a chart version that does not exist",
			before: []act{removes(object("Deployment", world.IdentityService))},
			file:   map[string]any{"identityServer.chart.version": "0.0.1"}, says: []string{"0.0.1", untouched}},
	}
}

func namespace() []cell {
	return []cell{
		{step: "namespace", start: nothing, how: "admission refuses it",
			fails: []act{refuses("CREATE", "", "namespaces", named(world.Namespace))}, says: []string{unwanted}},
		{step: "namespace", start: foreign, how: "it is being deleted, held by a foreign finalizer",
			before: []act{beingDeleted}, says: []string{"being deleted"}},
		{step: "namespace", start: older, how: "the account may neither make nor read it",
			file:  map[string]any{"cluster.kubeconfig": proxied},
			fails: []act{forbids("namespace", "/namespaces", "/namespaces/"+world.Namespace)}, says: []string{unwanted}},
		{step: "namespace", start: halved, how: "namespace deleted; admission refuses it",
			before: []act{removes(object("Namespace", world.Namespace))},
			fails:  []act{refuses("CREATE", "", "namespaces", named(world.Namespace))}, says: []string{unwanted}},
	}
}

func credentials() []cell {
	const secret = "lockstep-credentials"
	return []cell{
		{step: "credentials", start: nothing, how: "admission refuses the Secret",
			fails: []act{refuses("CREATE", "", "secrets", named(secret))}, says: []string{unwanted}},
		{step: "credentials", start: foreign, how: "a Secret of that name with other keys",
			before: []act{puts(`{apiVersion: v1, kind: Secret, metadata: {name: lockstep-credentials, namespace: apim}, stringData: {password: theirs-alone}}`)},
			says:   []string{"lockstep-credentials lacks"}},
		{step: "credentials", start: older, how: "the account may not read the Secret",
			file:  map[string]any{"cluster.kubeconfig": proxied},
			fails: []act{forbids("credentials", "/secrets/"+secret)}, says: []string{unwanted}},
		{step: "credentials", start: halved, how: "Secret deleted; admission refuses it",
			before: []act{removes(object("Secret", secret))},
			fails:  []act{refuses("CREATE", "", "secrets", named(secret))}, says: []string{unwanted}},
	}
}

func certificates() []cell {
	refused := refuses("CREATE", "", "secrets", named("is-keystores"))
	return []cell{
		{step: "certificates", start: nothing, how: "the CA's key in a namespace apart; admission refuses the products' stores",
			before: []act{puts(`{apiVersion: v1, kind: Namespace, metadata: {name: authorities}}`)},
			file:   map[string]any{"certificates.caNamespace": "authorities"}, fails: []act{refused}, says: []string{unwanted}},
		{step: "certificates", start: foreign, how: "a ConfigMap of the CA's name",
			before: []act{puts(`{apiVersion: v1, kind: ConfigMap, metadata: {name: wso2-ca-cert, namespace: apim}, data: {ca.crt: theirs}}`)},
			says:   []string{"do not fit the environment"}},
		{step: "certificates", start: older, how: "a host name that the certificates do not cover",
			file: map[string]any{"hostnames.management": "new.lockstep.test"}, says: []string{"new.lockstep.test", "do not fit the environment"}},
		{step: "certificates", start: halved, how: "Secret deleted; admission refuses it",
			before: []act{removes(object("Secret", "is-keystores"))}, fails: []act{refused}, says: []string{unwanted}},
	}
}

func image() []cell {
	refused := func(status int) act {
		return answers(fault.Fault{ID: fmt.Sprint("tag ", status), Server: fault.Registry, Method: "PUT", Path: "/manifests/7.2.0", Status: status})
	}
	return []cell{
		{step: "image", start: nothing, how: "the registry refuses the index, after its parts",
			fails: []act{refused(403)}, wants: refusing, says: []string{"wso2is-km"}},
		{step: "image", start: foreign, how: "another image under the tag; the registry refuses the index",
			fails: []act{refused(403)}, wants: refusing, says: []string{"wso2is-km"}},
		{step: "image", start: older, how: "an artifact with another checksum",
			file: map[string]any{"image.artifacts": []any{map[string]any{"url": handler, "sha256": nowhere}}}, says: []string{nowhere}},
		{step: "image", start: halved, how: "tag deleted; the registry refuses the index",
			before: []act{untagged}, fails: []act{refused(403)}, wants: refusing, says: []string{"wso2is-km"}},
	}
}

func gatewayCRDs() []cell {
	const late = "backendtrafficpolicies.gateway.envoyproxy.io" // without one that nobody needs a deployment goes on
	refused := refuses("CREATE", extensions, crds, named(late)+" && !request.dryRun")
	return []cell{
		{step: "gateway-crds", start: nothing, how: "admission refuses one of twenty CRDs",
			fails: []act{refused}, says: []string{unwanted}},
		{step: "gateway-crds", start: foreign, how: "half of the CRDs are there; admission refuses another",
			fails: []act{refused}, says: []string{unwanted}},
		{step: "gateway-crds", start: older, how: "`crds: create-replace`; the account may not change one",
			file:  map[string]any{"gateway.crds": "create-replace", "cluster.kubeconfig": proxied},
			fails: []act{forbids("gateway-crds", "PUT /customresourcedefinitions/"+late)}, says: []string{unwanted}},
		{step: "gateway-crds", start: halved, how: "one CRD deleted; admission refuses it",
			before: []act{removes(object("CustomResourceDefinition", late))}, fails: []act{refused}, says: []string{unwanted}},
	}
}

func gateway() []cell {
	const name = "wso2-apim-gateway"
	return []cell{
		{step: "gateway", start: nothing, how: "admission refuses the Gateway, after the controller",
			fails: []act{refuses("CREATE", gatewayAPI, "gateways", named(name))}, says: []string{unwanted}},
		{step: "gateway", start: foreign, how: "a Gateway of that name",
			before: []act{puts(`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wso2-apim-gateway, namespace: apim},
  spec: {gatewayClassName: theirs, listeners: [{name: http, port: 80, protocol: HTTP}]}}`)}, says: []string{"Lockstep does not manage it"}},
		{step: "gateway", start: older, how: "Envoy Gateway v1.9 over v1.7 with its CRDs; admission refuses to change the Gateway",
			file:  map[string]any{"gateway.chart.version": "v1.9.0", "gateway.crds": "create-replace"},
			fails: []act{refuses("UPDATE", gatewayAPI, "gateways", named(name))}, says: []string{unwanted}},
		{step: "gateway", start: halved, how: "the controller's namespace deleted; admission refuses its Deployment",
			before: []act{removes(object("Namespace", "envoy-gateway-system"))},
			fails:  []act{refuses("CREATE", "apps", "deployments", named("envoy-gateway"))}, says: []string{unwanted}},
	}
}

func identityServer() []cell {
	refused := refuses("CREATE", "apps", "deployments", named(world.IdentityService))
	return []cell{
		{step: "identity-server", start: nothing, how: "admission refuses the Deployment",
			fails: []act{refused}, says: []string{unwanted}},
		{step: "identity-server", start: foreign, how: "a Service of its name",
			before: []act{puts(foreignService(world.IdentityService))}, says: []string{"Service", world.IdentityService}},
		{step: "identity-server", start: older, how: "values with which it crashes",
			file: map[string]any{"identityServer.values.deploymentToml.userStore.type": "$ref{nothing.here}"},
			says: []string{"CrashLoopBackOff", "nothing.here"}},
		{step: "identity-server", start: halved, how: "Helm's records and the Deployment deleted; admission refuses it",
			before: []act{forgets("is"), removes(object("Deployment", world.IdentityService))}, fails: []act{refused}, says: []string{unwanted}},
	}
}

func apiManagerCells() []cell {
	const deployment = "apim-wso2am-all-in-one-am-deployment-1"
	return []cell{
		{step: "api-manager", start: nothing, how: "values with which it crashes",
			file: crashing(), says: []string{"CrashLoopBackOff", "nothing.here"}},
		{step: "api-manager", start: foreign, how: "a Service of its name",
			before: []act{puts(foreignService(world.APIMService))}, says: []string{"Service", world.APIMService}},
		{step: "api-manager", start: older, how: "values with which it crashes",
			file: crashing(), says: []string{"CrashLoopBackOff", "nothing.here"}},
		{step: "api-manager", start: halved, how: "release uninstalled; admission refuses the Deployment",
			before: []act{uninstalls("apim")},
			fails:  []act{refuses("CREATE", "apps", "deployments", named(deployment))}, says: []string{unwanted}},
	}
}

func routes() []cell {
	const route, policy = world.IdentityService + "-httproute", world.IdentityService + "-backend-tls-policy"
	return []cell{
		{step: "routes", start: nothing, how: "admission refuses the second of two objects",
			fails: []act{refuses("CREATE", gatewayAPI, "backendtlspolicies", named(policy))}, says: []string{unwanted}},
		{step: "routes", start: foreign, how: "an HTTPRoute of that name",
			before: []act{puts(`{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: is-identity-server-httproute, namespace: apim},
  spec: {hostnames: [theirs.lockstep.test], rules: [{backendRefs: [{name: theirs, port: 80}]}]}}`)}, says: []string{"Lockstep does not manage it"}},
		{step: "routes", start: older, how: "HTTPRoute edited by hand; admission refuses to change the policy",
			before: []act{patches(object("HTTPRoute", route), `{"spec": {"hostnames": ["edited.lockstep.test"]}}`)},
			fails:  []act{refuses("UPDATE", gatewayAPI, "backendtlspolicies", named(policy))}, says: []string{unwanted}},
		{step: "routes", start: halved, how: "HTTPRoute deleted; admission refuses to change the policy",
			before: []act{removes(object("HTTPRoute", route))},
			fails:  []act{refuses("UPDATE", gatewayAPI, "backendtlspolicies", named(policy))}, says: []string{unwanted}},
	}
}

func keyManager() []cell {
	refused := func(method, path string) act {
		return answers(fault.Fault{ID: "key manager " + method, Server: fault.APIManager, Method: method, Path: path, Status: 400})
	}
	return []cell{
		{step: "key-manager", start: nothing, how: "API Manager refuses the registration",
			fails: []act{refused("POST", "/admin/v4/key-managers")}, wants: refusing, says: []string{"400"}},
		{step: "key-manager", start: foreign, how: "another server's key manager of that name; the issuer has one of another name",
			before: []act{olderFirst, foreignKeyManager}, says: []string{`key manager "WSO2IS7" has the issuer`},
			file: with(olderFile(), map[string]any{"keyManager.name": "Theirs"})},
		{step: "key-manager", start: older, how: "API Manager refuses keys, after the change",
			fails: []act{refused("POST", "/generate-keys")}, wants: refusing, says: []string{"400"},
			file: with(olderFile(), map[string]any{"keyManager.displayName": "Newer", "keyManager.roleCreation": true, "timeouts.keyManager": "15s"})},
		{step: "key-manager", start: halved, how: "key manager deleted; API Manager refuses the registration",
			before: []act{withoutKeyManager}, fails: []act{refused("POST", "/admin/v4/key-managers")}, wants: refusing, says: []string{"400"}},
	}
}

func verify() []cell {
	refused := answers(fault.Fault{ID: "publishing", Server: fault.APIManager, Method: "POST", Path: "/change-lifecycle", Status: 400})
	return []cell{
		{step: "verify", start: nothing, how: "API Manager refuses to publish",
			fails: []act{refused}, wants: refusing, says: []string{"400"}},
		{step: "verify", start: foreign, how: "API Manager refuses to publish",
			fails: []act{refused}, wants: refusing, says: []string{"400"}},
		{step: "verify", start: older, how: "API Manager refuses to publish",
			fails: []act{refused}, wants: refusing, says: []string{"400"}},
		{step: "verify", start: halved, how: "Service deleted; API Manager refuses to publish",
			before: []act{removes(object("Service", world.IdentityService))}, fails: []act{refused}, wants: refusing, says: []string{"400"}},
	}
}

func report() []cell {
	var all []cell
	for _, start := range starts() {
		c := cell{step: "report", start: start, how: "the account may not read a Secret any more", file: map[string]any{"cluster.kubeconfig": proxied, "verify.level": "health"},
			fails: []act{forbids("report", "/secrets/is-keystores")}, says: []string{unwanted}}
		if start == halved {
			c.before, c.how = []act{removes(object("Secret", "gateway-https-tls"))}, "Secret deleted; "+c.how
		}
		all = append(all, c)
	}
	return all
}

const (
	refusing  = "its servers fail on demand"
	untouched = "nothing had been changed"
	handler   = "https://maven.wso2.org/nexus/content/repositories/releases/org/wso2/km/ext/wso2is/wso2is.notification.event.handlers/2.1.3/wso2is.notification.event.handlers-2.1.3.jar"
	nowhere   = "0000000000000000000000000000000000000000000000000000000000000000"
)
