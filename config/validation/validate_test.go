package validation_test

import (
	"errors"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
	"lockstep/config/validation"
)

func TestNamesAreDNSLabels(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "an unknown version of the file is refused", Old: "lockstep/v1", New: "lockstep/v9", Path: "apiVersion", Value: "lockstep/v9", Says: "write lockstep/v1"},
		{Holds: "a name gets a suggestion", Old: "trial", New: "My_Trial", Path: "name", Value: "My_Trial", Says: "write my-trial"},
		{Holds: "a namespace is a label", More: "namespace: apim.prod\n", Path: "namespace", Value: "apim.prod", Says: "write apim-prod"},
		{Holds: "Kubernetes' own namespaces are left alone", More: "namespace: kube-system\n", Path: "namespace", Value: "kube-system", Says: "is a namespace of Kubernetes itself"},
		{Holds: "an API Manager release leaves room for its Services", More: "apiManager: {release: a-release-name-of-thirty-six-letters}\n",
			Path: "apiManager.release", Value: "a-release-name-of-thirty-six-letters", Says: "shorten it to 32"},
		{Holds: "two products are two releases", More: "identityServer: {release: wso2}\napiManager: {release: wso2}\n",
			Path: "apiManager.release", Value: "wso2", Says: "give the two releases different names"},
		{Holds: "two roles are two Secrets", More: "certificates: {ca: mine}\ncredentials: {secret: mine}\n",
			Path: "credentials.secret", Value: "mine", Says: "certificates.ca names it too"},
		{Holds: "A listener's certificate is nobody's Secret", More: "certificates: {gatewayTLS: gateway-https-tls}\n",
			Path: "certificates.gatewayTLS", Value: "gateway-https-tls", Says: "Lockstep keeps a listener's certificate in it"},
		{Holds: "the CA's namespace is one", More: "certificates: {caNamespace: A_b}\n", Path: "certificates.caNamespace", Value: "A_b", Says: "is not a DNS label"},
		{Holds: "the CA's namespace is not Kubernetes' own", More: "certificates: {caNamespace: kube-system}\n",
			Path: "certificates.caNamespace", Value: "kube-system", Says: "is a namespace of Kubernetes itself"},
		{Holds: "Lockstep's stores are nobody's Secret", More: "certificates: {gatewayTLS: is-keystores}\n",
			Path: "certificates.gatewayTLS", Value: "is-keystores", Says: "Lockstep keeps Identity Server's stores in it"},
	})
}

func TestHostnamesAreFiveBareNames(t *testing.T) {
	host := func(name string) string { return "management: " + name }
	old := host("am.example.com")
	const path = "hostnames.management"
	configtest.Check(t, []configtest.Refusal{
		{Holds: "none is missing", Old: old + "\n  ", New: "", Path: path, Says: "is missing"},
		{Holds: "no URL", Old: old, New: host("https://am.example.com"), Path: path, Value: "https://am.example.com", Says: "bare name"},
		{Holds: "no port", Old: old, New: host("am.example.com:9443"), Path: path, Value: "am.example.com:9443", Says: "has a port"},
		{Holds: "no address", Old: old, New: host("10.0.0.1"), Path: path, Value: "10.0.0.1", Says: "IP address"},
		{Holds: "no wildcard", Old: old, New: host(`"*.example.com"`), Path: path, Value: "*.example.com", Says: "wildcard"},
		{Holds: "no upper case", Old: old, New: host("AM.example.com"), Path: path, Value: "AM.example.com", Says: "write am.example.com"},
		{Holds: "no underscore", Old: old, New: host("a_m.example.com"), Path: path, Value: "a_m.example.com", Says: "no underscore"},
		{Holds: "no two alike", Old: "gw.example.com", New: "am.example.com", Path: "hostnames.gateway", Value: "am.example.com", Says: "is also the name in hostnames.management"},
		{Holds: "extra names are names", More: "certificates: {extraDNSNames: [ok.example.com, '*.ok.example.com', a b]}\n",
			Path: "certificates.extraDNSNames[2]", Value: "a b", Says: "is not a hostname"},
	})
}

func TestChartsAreNamedExactly(t *testing.T) {
	is := func(chart string) string { return "identityServer: {chart: {" + chart + "}}\n" }
	const version, source = "identityServer.chart.version", "identityServer.chart"
	configtest.Check(t, []configtest.Refusal{
		{Holds: "next, as WSO2's guide has it, is no version", More: is("version: next"), Path: version, Value: "next", Says: "improper constraint"},
		{Holds: "latest is no version", More: is("version: latest"), Path: version, Value: "latest", Says: "write an exact version, as 7.2.0-1"},
		{Holds: "a caret is a range", More: is("version: ^7.2.0"), Path: version, Value: "^7.2.0", Says: "is a range"},
		{Holds: "an x is a range", More: is("version: 7.2.x"), Path: version, Value: "7.2.x", Says: "is a range"},
		{Holds: "two bounds are a range", More: is(`version: ">=7.1 <8"`), Path: version, Value: ">=7.1 <8", Says: "is a range"},
		{Holds: "half a version is a range", More: is(`version: "7.2"`), Path: version, Value: "7.2", Says: "part of a version"},
		{Holds: "a chart from elsewhere needs its version", More: is("oci: oci://registry.example.com/charts/identity-server"), Path: version, Says: "is missing"},
		{Holds: "one source, not two", More: is("oci: oci://a/b, path: ./chart, version: 1.2.3"), Path: source, Says: "has 2 sources"},
		{Holds: "an OCI reference carries no tag", More: is("oci: oci://a.io/b:1.2.3, version: 1.2.3"), Path: source + ".oci", Value: "oci://a.io/b:1.2.3", Says: "write it as version"},
		{Holds: "an OCI reference begins with oci", More: is("oci: a.io/b, version: 1.2.3"), Path: source + ".oci", Value: "a.io/b", Says: "oci://"},
		{Holds: "a repository is not OCI", More: is("repository: oci://a.io, name: b, version: 1.2.3"), Path: source + ".repository", Value: "oci://a.io", Says: "write it as oci"},
		{Holds: "a repository holds no password", More: is("repository: https://me:hush@charts.example.com, name: b, version: 1.2.3"), Path: source + ".repository", Says: "never holds a secret"},
		{Holds: "a chart's name is without alias", More: is("name: wso2/identity-server, version: 1.2.3"), Path: source + ".name", Value: "wso2/identity-server", Says: "write only identity-server"},
	})
	configtest.Parse(t, configtest.Minimal+is("path: identity-server"))
}

func TestTheImageCanBeBuiltAndPushed(t *testing.T) {
	const old = "registry.example.com/wso2is-km:7.2.0"
	target := func(holds, text, says string) configtest.Refusal {
		return configtest.Refusal{Holds: holds, Old: old, New: text, Path: "image.target", Value: text, Says: says}
	}
	configtest.Check(t, []configtest.Refusal{
		target("a target has a tag", "registry.example.com/wso2is-km", "add one"),
		target("a target has no digest", "registry.example.com/wso2is-km@sha256:"+strings.Repeat("a", 64), "known only after the build"),
		target("a target is not the base", "docker.io/wso2/wso2is:7.2.0", "is the base"),
		target("the base by its short name is the base too", "index.docker.io/wso2/wso2is:7.2.0", "is the base"),
		target("a target names its registry", "wso2is-km:7.2.0", "write the registry before it, for example docker.io/wso2is-km:7.2.0"),
		target("the guide's placeholder is no registry", "CONTAINER_REGISTRY/wso2is-km:7.2.0.0", "is not an image reference"),
		{Holds: "a target there must be", Old: "target: " + old, New: "base: docker.io/wso2/wso2is:7.2.0", Path: "image.target", Says: "the cluster must be able to pull it"},
		{Holds: "a base has a tag or digest", Old: "target:", New: "base: wso2/wso2is\n  target:", Path: "image.base", Value: "wso2/wso2is", Says: "add the tag"},
		{Holds: "a platform is os/architecture", Old: "target:", New: "platforms: [amd64]\n  target:", Path: "image.platforms[0]", Value: "amd64", Says: "linux/amd64"},
		{Holds: "plain HTTP is for hosts", Old: "target:", New: "plainHTTP: ['http://a:5000']\n  target:", Path: "image.plainHTTP[0]", Value: "http://a:5000", Says: "host or host:port"},
		{Holds: "API Manager's image has a tag", More: "apiManager: {image: wso2/wso2am}\n", Path: "apiManager.image", Value: "wso2/wso2am", Says: "add the tag"},
		{Holds: "Identity Server has no image of its own", More: "identityServer: {image: 'a.io/b:1'}\n", Path: "identityServer.image", Value: "a.io/b:1", Says: "image.base"},
	})
}

func TestArtifactsLandWhereTheServerLooks(t *testing.T) {
	artifact := func(holds, fields, at, value, says string) configtest.Refusal {
		return configtest.Refusal{Holds: holds, Old: "target:", New: "artifacts: [{" + fields + "}]\n  target:", Path: "image.artifacts[0]" + at, Value: value, Says: says}
	}
	const jar = "url: https://maven.example.com/a-1.0.jar, "
	upper := strings.Repeat("A", 64)
	configtest.Check(t, []configtest.Refusal{
		artifact("the guide's 7.0.0 home on a 7.2.0 base is a stray folder", jar+"destination: /home/wso2carbon/wso2is-7.0.0/repository/components/dropins",
			".destination", "/home/wso2carbon/wso2is-7.0.0/repository/components/dropins", "is the home of wso2is 7.0.0, but the base image is 7.2.0"),
		artifact("even the right home is not spelled out", jar+"destination: /home/wso2carbon/wso2is-7.2.0/repository/components/dropins/",
			".destination", "/home/wso2carbon/wso2is-7.2.0/repository/components/dropins/", "relative to the server's home: repository/components/dropins/"),
		artifact("no absolute path", jar+"destination: /opt/", ".destination", "/opt/", "is an absolute path"),
		artifact("no way out of the home", jar+"destination: repository/../../x/", ".destination", "repository/../../x/", "leads out"),
		artifact("no variables", jar+"destination: '${WSO2_SERVER_HOME}/x/'", ".destination", "${WSO2_SERVER_HOME}/x/", "does not replace it"),
		artifact("a folder ends with a slash", jar+"destination: repository/components/dropins", ".destination", "repository/components/dropins", "write it with a slash"),
		artifact("an artifact has a URL", "sha256: ''", ".url", "", "is missing"),
		artifact("a URL is http(s)", "url: file:///a.jar", ".url", "file:///a.jar", "is not an http(s) URL"),
		artifact("a URL holds no password", "url: 'https://me:hush@maven.example.com/a.jar'", ".url", "", "never holds a secret"),
		artifact("a SHA-256 has no prefix", jar+"sha256: 'sha256:abc'", ".sha256", "sha256:abc", "has the prefix sha256:"),
		artifact("a SHA-256 is no SHA-1", jar+"sha256: "+strings.Repeat("a", 40), ".sha256", strings.Repeat("a", 40), "like a SHA-1"),
		artifact("a SHA-256 is lower case", jar+"sha256: "+upper, ".sha256", upper, strings.ToLower(upper)),
		artifact("a SHA-256 has 64 digits", jar+"sha256: abc", ".sha256", "abc", "has 3 characters"),
		{Holds: "two artifacts are two files", Old: "target:", New: "artifacts: [{" + jar + "}, {url: https://b.example.com/a-1.0.jar}]\n  target:",
			Path: "image.artifacts[1]", Value: "repository/components/dropins/a-1.0.jar", Says: "has the same place in the image as image.artifacts[0]"},
	})
}

func TestChoicesAndTimesAreWithinBounds(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a level lists what is allowed", More: "verify: {level: most}\n", Path: "verify.level", Value: "most", Says: "none, health, token, full"},
		{Holds: "a policy near a choice names it", More: "onFailure: rolback\n", Path: "onFailure", Value: "rolback", Says: "did you mean rollback?"},
		{Holds: "an approval is for a step", More: "approvals: [image, api-manger]\n", Path: "approvals[1]", Value: "api-manger", Says: "did you mean api-manager?"},
		{Holds: "an approval of nothing known lists the steps", More: "approvals: [products]\n", Path: "approvals[0]", Value: "products", Says: "write one of preflight, namespace"},
		{Holds: "a step is approved once", More: "approvals: [image, verify, image]\n", Path: "approvals[2]", Value: "image", Says: "is given twice"},
		{Holds: "a decision may take days", More: "timeouts: {decision: 721h}\n", Path: "timeouts.decision", Value: "721h", Says: "is not between 1s and 720h"},
		{Holds: "no time is negative", More: "timeouts: {verify: -5m}\n", Path: "timeouts.verify", Value: "-5m", Says: "is not between"},
		{Holds: "no time is absurd", More: "timeouts: {apiManager: 900h}\n", Path: "timeouts.apiManager", Value: "900h", Says: "is not between 1s and 6h"},
		{Holds: "a certificate lives a day at least", More: "certificates: {validity: 1h}\n", Path: "certificates.validity", Value: "1h", Says: "825 days"},
	})
}

func TestTheKeyManagerCanBeRegistered(t *testing.T) {
	long := strings.Repeat("k", 101)
	configtest.Check(t, []configtest.Refusal{
		{Holds: "not over the resident one", More: "keyManager: {name: resident key manager}\n", Path: "keyManager.name", Value: "resident key manager", Says: "write another name"},
		{Holds: "not under too long a name", More: "keyManager: {name: " + long + "}\n", Path: "keyManager.name", Value: long, Says: "shorten it to 100"},
		{Holds: "a misspelt grant is named", More: "keyManager: {grantTypes: [client_credentials, refreshtoken]}\n", Path: "keyManager.grantTypes[1]", Value: "refreshtoken", Says: "did you mean refresh_token?"},
		{Holds: "verification needs client_credentials", More: "keyManager: {grantTypes: [password]}\n", Path: "keyManager.grantTypes", Value: "password", Says: "set verify.level to health"},
	})
	configtest.Parse(t, configtest.Minimal+"keyManager: {grantTypes: [password, 'urn:ietf:params:oauth:grant-type:token-exchange']}\nverify: {level: health}\n")
}

func TestAllProblemsComeAtOnce(t *testing.T) {
	_, err := environments.Parse([]byte("apiVersion: lockstep/v1\nimage: {target: x}\nidentityServer: {chart: {version: next}, replicas: -1}\n"), nil)
	var found config.Problems
	errors.As(err, &found)
	for _, path := range []string{"name", "hostnames.management", "hostnames.keyManager", "image.target", "identityServer.chart.version", "identityServer.replicas"} {
		if !strings.Contains(err.Error(), "\n  - "+path) {
			t.Errorf("%s is not among\n%v", path, err)
		}
	}
	for _, problem := range found {
		if problem.Next == "" {
			t.Errorf("no next move: %s", problem)
		}
	}
}

func TestWarningsAreNotProblems(t *testing.T) {
	for _, c := range []configtest.Refusal{
		{Holds: "wso2.com is preloaded", Old: "am.example.com", New: "am.wso2.com", Path: "hostnames.management", Says: "HSTS"},
		{Holds: ".local is multicast", Old: "am.example.com", New: "am.local", Path: "hostnames.management", Says: "multicast"},
		{Holds: "a chart version without -N is hardly found", More: "apiManager: {chart: {version: 4.7.0}}\n", Path: "apiManager.chart.version", Says: "write 4.7.0-1"},
		{Holds: "a 7.1 chart on a 7.2 image lacks a database", More: "identityServer: {chart: {version: 7.1.0-3}}\n", Path: "identityServer.chart.version", Says: "use a chart of 7.2"},
		{Holds: "a 4.7 chart on a 4.6 image", More: "apiManager: {image: 'wso2/wso2am:4.6.0'}\n", Path: "apiManager.chart.version", Says: "use a chart of 4.6"},
		{Holds: "latest moves", Old: "target:", New: "base: wso2/wso2is:latest\n  target:", Path: "image.base", Says: "has the tag latest"},
		{Holds: "no handler, no revocation", Old: "target:", New: "artifacts: []\n  target:", Path: "image.artifacts", Says: "token was revoked"},
		{Holds: "H2 forgets", Path: "apiManager.values", Says: "all its data is lost"},
		{Holds: "AppArmor must be there", More: "identityServer: {values: {deployment: {apparmor: {enabled: true}}}}\n", Path: "identityServer.values.deployment.apparmor.enabled", Says: "AppArmor on every node"},
	} {
		t.Run(c.Holds, func(t *testing.T) {
			env := configtest.Parse(t, c.Text())
			for _, warning := range validation.Warnings(env) {
				if warning.Path == c.Path && strings.Contains(warning.String(), c.Says) {
					return
				}
			}
			t.Errorf("no warning of %s with %q among %v", c.Path, c.Says, validation.Warnings(env))
		})
	}
}
