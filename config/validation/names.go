package validation

import (
	"regexp"
	"strings"

	"lockstep/config"
)

var controllerName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/\-._~]+$`)

// helmReleaseMax is Helm's own limit on release names.
const helmReleaseMax = 53

func checkNamespaces(e config.Environment) (found problems) {
	found.notKubernetes("namespace", e.Namespace)
	found.notKubernetes("certificates.caNamespace", e.Certificates.CANamespace)
	return found
}

func (p *problems) notKubernetes(path, namespace string) {
	if strings.HasPrefix(namespace, "kube-") {
		p.Add(path, namespace, "is a namespace of Kubernetes itself", "write another namespace, for example apim")
	}
}

func checkNames(e config.Environment) (found problems) {
	found.label("identityServer.release", e.IdentityServer.Release, longestRelease(config.DefaultISChart, ""))
	found.label("apiManager.release", e.APIManager.Release, longestRelease(config.DefaultAPIMChart, "-am-service-1"))
	if e.IdentityServer.Release == e.APIManager.Release {
		found.Add("apiManager.release", e.APIManager.Release, "is also the release of Identity Server, in the same namespace",
			"give the two releases different names")
	}
	for path, release := range map[string]string{"apiManager.release": e.APIManager.Release, "identityServer.release": e.IdentityServer.Release} {
		if e.Routing.Namespace == e.Namespace && release == e.Routing.Release {
			found.Add(path, release, "is also the release of the cluster's gateway controller, in the same namespace", "write another name")
		}
	}
	return found
}

// longestRelease is how long a release may be for chart: Helm's limit, less where the Services that the chart makes of
// it, <release>-<chart><suffix>, would pass the 63 characters of a Service name.
func longestRelease(chart, suffix string) int {
	return min(helmReleaseMax, 63-len("-"+chart+suffix))
}

// checkSecrets looks for Secrets that cannot be what two fields want of them.
func checkSecrets(e config.Environment) (found problems) {
	if e.Image.Credentials != nil && e.Image.Credentials.Secret == "" {
		found.Add("image.credentials.secret", "", "is missing", "write the name of the Secret with the keys username and password")
	}
	users := map[string]string{"apim-keystore-secret": "Lockstep keeps API Manager's stores in it", "is-keystores": "Lockstep keeps Identity Server's stores in it"}
	own := e
	own.Certificates.GatewayTLS = ""
	for _, secret := range own.ListenerSecrets() {
		users[secret] = "Lockstep keeps a listener's certificate in it"
	}
	for field := range e.Fields() {
		if field.Rule != config.RuleSecret || field.Value == "" {
			continue
		}
		if user, taken := users[field.Value]; taken {
			found.Add(field.Path, field.Value, "is the name of another Secret: "+user, "write the name of a Secret that nothing else uses")
			continue
		}
		users[field.Value] = field.Path + " names it too"
	}
	return found
}
