package validation

import (
	"fmt"
	"lockstep/config"
	"regexp"
	"strings"
)

var (
	dnsLabel   = regexp.MustCompile(config.LabelPattern)
	dnsName    = regexp.MustCompile(config.DNSNamePattern)
	notInLabel = regexp.MustCompile(`[^a-z0-9]+`)
	controller = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/\-._~]+$`)
)

// helmReleaseMax is Helm's own limit on release names.
const helmReleaseMax = 53

func checkIdentity(e config.Environment) (found problems) {
	if e.APIVersion == "" {
		found.Add("apiVersion", "", "is missing", "write apiVersion: "+config.APIVersion)
	} else if e.APIVersion != config.APIVersion {
		found.Add("apiVersion", e.APIVersion, "is no version that this Lockstep reads", "write "+config.APIVersion)
	}
	found.label("name", e.Name, 63, "name the environment, as in name: trial")
	found.label("namespace", e.Namespace, 63, "write a namespace, as apim")
	found.label("routing.namespace", e.Routing.Namespace, 63, "write a namespace, as envoy-gateway-system")
	for _, ns := range []struct{ path, name string }{{"namespace", e.Namespace}, {"routing.namespace", e.Routing.Namespace}} {
		if strings.HasPrefix(ns.name, "kube-") {
			found.Add(ns.path, ns.name, "belongs to Kubernetes", "choose a namespace of its own, as apim")
		}
	}
	return found
}

func checkNames(e config.Environment) (found problems) {
	found.label("routing.release", e.Routing.Release, helmReleaseMax, "write a Helm release name, as envoy-gateway")
	found.label("identityServer.release", e.IdentityServer.Release, longestRelease(config.DefaultISChart, ""),
		"write a Helm release name, as is")
	found.label("apiManager.release", e.APIManager.Release, longestRelease(config.DefaultAPIMChart, "-am-service-1"),
		"write a Helm release name, as apim")
	if e.IdentityServer.Release == e.APIManager.Release {
		found.Add("apiManager.release", e.APIManager.Release, "is the release of Identity Server too, in the same namespace",
			"give the two releases different names")
	}
	if e.Routing.Namespace == e.Namespace && (e.Routing.Release == e.APIManager.Release || e.Routing.Release == e.IdentityServer.Release) {
		found.Add("routing.release", e.Routing.Release, "is the release of a product too, in the same namespace",
			"give the gateway a release name of its own")
	}
	found.label("routing.gateway", e.Routing.Gateway, 63, "write a name, as wso2-apim-gateway")
	found.name("routing.gatewayClass", e.Routing.GatewayClass)
	if !controller.MatchString(e.Routing.ControllerName) {
		found.Add("routing.controllerName", e.Routing.ControllerName, "is no controller name: those are domain/path",
			"write "+config.DefaultController+", or what your gateway's documentation names")
	}
	return found
}

// longestRelease is how long a release may be for chart: Helm's limit, less where the Services that the chart makes of
// it, <release>-<chart><suffix>, would pass the 63 characters of a Service name.
func longestRelease(chart, suffix string) int {
	return min(helmReleaseMax, 63-len("-"+chart+suffix))
}

// label notes what is no DNS label (RFC 1123) of at most longest characters.
func (p *problems) label(path, value string, longest int, next string) {
	switch {
	case value == "":
		p.Add(path, "", "is missing", next)
	case !dnsLabel.MatchString(value):
		p.Add(path, value, "is no DNS label: lower-case letters, digits and dashes, a letter or digit at both ends",
			"write "+suggest(value, next))
	case len(value) > longest:
		p.Add(path, value, fmt.Sprintf("has %d characters: names made of it would be too long", len(value)),
			fmt.Sprintf("shorten it to %d", longest))
	}
}

// suggest is the label nearest to value; where nothing is left of it, next says what to write.
func suggest(value, next string) string {
	label := notInLabel.ReplaceAllString(strings.ToLower(value), "-")
	if label = strings.Trim(label, "-"); label == "" {
		return strings.TrimPrefix(next, "write ")
	}
	return label
}

// name notes what is no name of a Kubernetes object (DNS subdomain). Empty is none either.
func (p *problems) name(path, value string) {
	if len(value) > 253 || !dnsName.MatchString(value) {
		p.Add(path, value, "is no Kubernetes name: lower-case letters, digits, dashes and dots, a letter or digit at both ends",
			"write the name of the object as kubectl get shows it")
	}
}

// checkSecretNames looks at the Secrets that the environment names.
func checkSecretNames(e config.Environment) (found problems) {
	if e.Image.Credentials != nil && e.Image.Credentials.Secret == "" {
		found.Add("image.credentials.secret", "", "is missing", "name the Secret with keys username and password")
	}
	users := map[string]string{"apim-keystore-secret": "Lockstep's own, for API Manager's stores",
		"is-keystores": "Lockstep's own, for Identity Server's stores"}
	for _, secret := range secretFields(e) {
		if secret.name == "" {
			continue
		}
		found.name(secret.path, secret.name)
		if user, taken := users[secret.name]; taken {
			found.Add(secret.path, secret.name, "is "+user, "name another Secret: they are of different types")
			continue
		}
		users[secret.name] = "that of " + secret.path
	}
	return found
}

type secretField struct{ path, name string }

func secretFields(e config.Environment) []secretField {
	fields := []secretField{
		{"certificates.ca", e.Certificates.CA},
		{"certificates.gatewayTLS", e.Certificates.GatewayTLS},
		{"credentials.secret", e.Credentials.Secret},
		{"image.pullSecret", e.Image.PullSecret},
	}
	if e.Image.Credentials != nil {
		fields = append(fields, secretField{"image.credentials.secret", e.Image.Credentials.Secret})
	}
	return fields
}
