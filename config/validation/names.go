package validation

import (
	"regexp"
	"strings"

	"lockstep/config"
)

var controller = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/\-._~]+$`)

// helmReleaseMax is Helm's own limit on release names.
const helmReleaseMax = 53

func checkNamespaces(e config.Environment) (found problems) {
	for _, ns := range []struct{ path, name string }{{"namespace", e.Namespace}, {"routing.namespace", e.Routing.Namespace}} {
		if strings.HasPrefix(ns.name, "kube-") {
			found.Add(ns.path, ns.name, "is a namespace of Kubernetes itself", "write another namespace, as apim")
		}
	}
	return found
}

func checkNames(e config.Environment) (found problems) {
	found.label("routing.release", e.Routing.Release, helmReleaseMax)
	found.label("identityServer.release", e.IdentityServer.Release, longestRelease(config.DefaultISChart, ""))
	found.label("apiManager.release", e.APIManager.Release, longestRelease(config.DefaultAPIMChart, "-am-service-1"))
	if e.IdentityServer.Release == e.APIManager.Release {
		found.Add("apiManager.release", e.APIManager.Release, "is also the release of Identity Server, in the same namespace",
			"give the two releases different names")
	}
	if e.Routing.Namespace == e.Namespace && (e.Routing.Release == e.APIManager.Release || e.Routing.Release == e.IdentityServer.Release) {
		found.Add("routing.release", e.Routing.Release, "is also the release of a product, in the same namespace",
			"give the gateway a release name of its own")
	}
	if !controller.MatchString(e.Routing.ControllerName) {
		found.Add("routing.controllerName", e.Routing.ControllerName, "is not a controller name: it must have the form domain/path",
			"write "+config.DefaultController+", or the name in the documentation of your gateway")
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
