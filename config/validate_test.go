package config

import (
	"errors"
	"strings"
	"testing"
)

func TestNamesAreDNSLabels(t *testing.T) {
	check(t, []refusal{
		{holds: "an unknown version of the file is refused", old: "lockstep/v1", new: "lockstep/v9", path: "apiVersion", value: "lockstep/v9", says: "write lockstep/v1"},
		{holds: "a name gets a suggestion", old: "trial", new: "My_Trial", path: "name", value: "My_Trial", says: "write my-trial"},
		{holds: "a namespace is a label", more: "namespace: apim.prod\n", path: "namespace", value: "apim.prod", says: "write apim-prod"},
		{holds: "Kubernetes' own namespaces are left alone", more: "namespace: kube-system\n", path: "namespace", value: "kube-system", says: "belongs to Kubernetes"},
		{holds: "an API Manager release leaves room for its Services", more: "apiManager: {release: a-release-name-of-thirty-six-letters}\n",
			path: "apiManager.release", value: "a-release-name-of-thirty-six-letters", says: "shorten it to 32"},
		{holds: "a release is at most what Helm takes", more: "routing: {release: " + strings.Repeat("a", 54) + "}\n",
			path: "routing.release", value: strings.Repeat("a", 54), says: "shorten it to 53"},
		{holds: "two products are two releases", more: "identityServer: {release: wso2}\napiManager: {release: wso2}\n",
			path: "apiManager.release", value: "wso2", says: "give the two releases different names"},
		{holds: "a controller name has a path", more: "routing: {controllerName: envoy}\n", path: "routing.controllerName", value: "envoy", says: "domain/path"},
		{holds: "two roles are two Secrets", more: "certificates: {ca: mine}\ncredentials: {secret: mine}\n",
			path: "credentials.secret", value: "mine", says: "is that of certificates.ca"},
		{holds: "Lockstep's stores are nobody's Secret", more: "certificates: {gatewayTLS: is-keystores}\n",
			path: "certificates.gatewayTLS", value: "is-keystores", says: "name another Secret"},
	})
}

func TestHostnamesAreFiveBareNames(t *testing.T) {
	host := func(name string) string { return "management: " + name }
	old := host("am.example.com")
	const path = "hostnames.management"
	check(t, []refusal{
		{holds: "none is missing", old: old + "\n  ", new: "", path: path, says: "is missing"},
		{holds: "no URL", old: old, new: host("https://am.example.com"), path: path, value: "https://am.example.com", says: "bare name"},
		{holds: "no port", old: old, new: host("am.example.com:9443"), path: path, value: "am.example.com:9443", says: "has a port"},
		{holds: "no address", old: old, new: host("10.0.0.1"), path: path, value: "10.0.0.1", says: "IP address"},
		{holds: "no wildcard", old: old, new: host(`"*.example.com"`), path: path, value: "*.example.com", says: "wildcard"},
		{holds: "no upper case", old: old, new: host("AM.example.com"), path: path, value: "AM.example.com", says: "write am.example.com"},
		{holds: "no underscore", old: old, new: host("a_m.example.com"), path: path, value: "a_m.example.com", says: "no underscore"},
		{holds: "no two alike", old: "gw.example.com", new: "am.example.com", path: "hostnames.gateway", value: "am.example.com", says: "is hostnames.management too"},
		{holds: "extra names are names", more: "certificates: {extraDNSNames: [ok.example.com, '*.ok.example.com', a b]}\n",
			path: "certificates.extraDNSNames[2]", value: "a b", says: "is no hostname"},
	})
}

func TestChartsAreNamedExactly(t *testing.T) {
	is := func(chart string) string { return "identityServer: {chart: {" + chart + "}}\n" }
	const version, source = "identityServer.chart.version", "identityServer.chart"
	check(t, []refusal{
		{holds: "next, as WSO2's guide has it, is no version", more: is("version: next"), path: version, value: "next", says: "improper constraint"},
		{holds: "latest is no version", more: is("version: latest"), path: version, value: "latest", says: "write an exact version, as 7.2.0-1"},
		{holds: "a caret is a range", more: is("version: ^7.2.0"), path: version, value: "^7.2.0", says: "is a range"},
		{holds: "an x is a range", more: is("version: 7.2.x"), path: version, value: "7.2.x", says: "is a range"},
		{holds: "two bounds are a range", more: is(`version: ">=7.1 <8"`), path: version, value: ">=7.1 <8", says: "is a range"},
		{holds: "half a version is a range", more: is(`version: "7.2"`), path: version, value: "7.2", says: "part of a version"},
		{holds: "a chart from elsewhere needs its version", more: is("oci: oci://registry.example.com/charts/identity-server"), path: version, says: "is missing"},
		{holds: "one source, not two", more: is("oci: oci://a/b, path: ./chart, version: 1.2.3"), path: source, says: "names 2 sources"},
		{holds: "an OCI reference carries no tag", more: is("oci: oci://a.io/b:1.2.3, version: 1.2.3"), path: source + ".oci", value: "oci://a.io/b:1.2.3", says: "write it as version"},
		{holds: "an OCI reference begins with oci", more: is("oci: a.io/b, version: 1.2.3"), path: source + ".oci", value: "a.io/b", says: "oci://"},
		{holds: "a repository is not OCI", more: is("repository: oci://a.io, name: b, version: 1.2.3"), path: source + ".repository", value: "oci://a.io", says: "write it as oci"},
		{holds: "a repository holds no password", more: is("repository: https://me:hush@charts.example.com, name: b, version: 1.2.3"), path: source + ".repository", says: "never holds a secret"},
		{holds: "a chart's name is without alias", more: is("name: wso2/identity-server, version: 1.2.3"), path: source + ".name", value: "wso2/identity-server", says: "write only identity-server"},
	})
	parse(t, minimal+is("path: ../charts/identity-server"))
}

func TestTheImageCanBeBuiltAndPushed(t *testing.T) {
	const old = "registry.example.com/wso2is-km:7.2.0"
	target := func(holds, text, says string) refusal {
		return refusal{holds: holds, old: old, new: text, path: "image.target", value: text, says: says}
	}
	check(t, []refusal{
		target("a target has a tag", "registry.example.com/wso2is-km", "add one"),
		target("a target has no digest", "registry.example.com/wso2is-km@sha256:"+strings.Repeat("a", 64), "which only the build can tell"),
		target("a target is not the base", "docker.io/wso2/wso2is:7.2.0", "is the base"),
		target("the base by its short name is the base too", "index.docker.io/wso2/wso2is:7.2.0", "is the base"),
		target("a target names its registry", "wso2is-km:7.2.0", "write the registry before it, as docker.io/wso2is-km:7.2.0"),
		target("the guide's placeholder is no registry", "CONTAINER_REGISTRY/wso2is-km:7.2.0.0", "is no image reference"),
		{holds: "a target there must be", old: "target: " + old, new: "base: docker.io/wso2/wso2is:7.2.0", path: "image.target", says: "the cluster must be able to pull it"},
		{holds: "a base has a tag or digest", old: "target:", new: "base: wso2/wso2is\n  target:", path: "image.base", value: "wso2/wso2is", says: "add the tag"},
		{holds: "a platform is os/architecture", old: "target:", new: "platforms: [amd64]\n  target:", path: "image.platforms[0]", value: "amd64", says: "linux/amd64"},
		{holds: "plain HTTP is for hosts", old: "target:", new: "plainHTTP: ['http://a:5000']\n  target:", path: "image.plainHTTP[0]", value: "http://a:5000", says: "host or host:port"},
		{holds: "API Manager's image has a tag", more: "apiManager: {image: wso2/wso2am}\n", path: "apiManager.image", value: "wso2/wso2am", says: "add the tag"},
		{holds: "Identity Server has no image of its own", more: "identityServer: {image: 'a.io/b:1'}\n", path: "identityServer.image", value: "a.io/b:1", says: "image.base"},
	})
}

func TestArtifactsLandWhereTheServerLooks(t *testing.T) {
	artifact := func(holds, fields, at, value, says string) refusal {
		return refusal{holds: holds, old: "target:", new: "artifacts: [{" + fields + "}]\n  target:", path: "image.artifacts[0]" + at, value: value, says: says}
	}
	const jar = "url: https://maven.example.com/a-1.0.jar, "
	upper := strings.Repeat("A", 64)
	check(t, []refusal{
		artifact("the guide's 7.0.0 home on a 7.2.0 base is a stray folder", jar+"destination: /home/wso2carbon/wso2is-7.0.0/repository/components/dropins",
			".destination", "/home/wso2carbon/wso2is-7.0.0/repository/components/dropins", "is the home of wso2is 7.0.0, the base image is 7.2.0"),
		artifact("even the right home is not spelled out", jar+"destination: /home/wso2carbon/wso2is-7.2.0/repository/components/dropins/",
			".destination", "/home/wso2carbon/wso2is-7.2.0/repository/components/dropins/", "relative to the server's home: repository/components/dropins/"),
		artifact("no absolute path", jar+"destination: /opt/", ".destination", "/opt/", "is absolute"),
		artifact("no way out of the home", jar+"destination: repository/../../x/", ".destination", "repository/../../x/", "leads out"),
		artifact("no variables", jar+"destination: '${WSO2_SERVER_HOME}/x/'", ".destination", "${WSO2_SERVER_HOME}/x/", "taken literally"),
		artifact("a folder ends with a slash", jar+"destination: repository/components/dropins", ".destination", "repository/components/dropins", "end it with a slash"),
		artifact("an artifact has a URL", "sha256: ''", ".url", "", "is missing"),
		artifact("a URL is http(s)", "url: file:///a.jar", ".url", "file:///a.jar", "is no http(s) URL"),
		artifact("a URL holds no password", "url: 'https://me:hush@maven.example.com/a.jar'", ".url", "", "never holds a secret"),
		artifact("a SHA-256 has no prefix", jar+"sha256: 'sha256:abc'", ".sha256", "sha256:abc", "has a prefix"),
		artifact("a SHA-256 is no SHA-1", jar+"sha256: "+strings.Repeat("a", 40), ".sha256", strings.Repeat("a", 40), "as a SHA-1"),
		artifact("a SHA-256 is lower case", jar+"sha256: "+upper, ".sha256", upper, strings.ToLower(upper)),
		artifact("a SHA-256 has 64 digits", jar+"sha256: abc", ".sha256", "abc", "has 3 characters"),
		{holds: "two artifacts are two files", old: "target:", new: "artifacts: [{" + jar + "}, {url: https://b.example.com/a-1.0.jar}]\n  target:",
			path: "image.artifacts[1]", value: "repository/components/dropins/a-1.0.jar", says: "lands where image.artifacts[0] does"},
	})
}

func TestChoicesAndTimesAreWithinBounds(t *testing.T) {
	check(t, []refusal{
		{holds: "a level lists what is allowed", more: "verify: {level: most}\n", path: "verify.level", value: "most", says: "none, health, token, full"},
		{holds: "a policy near a choice names it", more: "onFailure: rolback\n", path: "onFailure", value: "rolback", says: "did you mean rollback?"},
		{holds: "a service type in another case is named", more: "routing: {serviceType: nodeport}\n", path: "routing.serviceType", value: "nodeport", says: "did you mean NodePort?"},
		{holds: "a CRD policy is one of three", more: "routing: {crds: replace}\n", path: "routing.crds", value: "replace", says: "create-replace"},
		{holds: "an approval is for a step", more: "approvals: [image, api-manger]\n", path: "approvals[1]", value: "api-manger", says: "did you mean api-manager?"},
		{holds: "an approval of nothing known lists the steps", more: "approvals: [products]\n", path: "approvals[0]", value: "products", says: "write one of preflight, namespace"},
		{holds: "a step is approved once", more: "approvals: [image, verify, image]\n", path: "approvals[2]", value: "image", says: "is given twice"},
		{holds: "a decision may take days", more: "timeouts: {decision: 721h}\n", path: "timeouts.decision", value: "721h", says: "is not between 1s and 720h"},
		{holds: "no time is negative", more: "timeouts: {verify: -5m}\n", path: "timeouts.verify", value: "-5m", says: "is not between"},
		{holds: "no time is absurd", more: "timeouts: {apiManager: 900h}\n", path: "timeouts.apiManager", value: "900h", says: "is not between 1s and 6h"},
		{holds: "a certificate lives a day at least", more: "certificates: {validity: 1h}\n", path: "certificates.validity", value: "1h", says: "825 days"},
	})
}

func TestTheKeyManagerCanBeRegistered(t *testing.T) {
	long := strings.Repeat("k", 101)
	check(t, []refusal{
		{holds: "not over the resident one", more: "keyManager: {name: resident key manager}\n", path: "keyManager.name", value: "resident key manager", says: "choose another name"},
		{holds: "not under too long a name", more: "keyManager: {name: " + long + "}\n", path: "keyManager.name", value: long, says: "shorten it to 100"},
		{holds: "a misspelt grant is named", more: "keyManager: {grantTypes: [client_credentials, refreshtoken]}\n", path: "keyManager.grantTypes[1]", value: "refreshtoken", says: "did you mean refresh_token?"},
		{holds: "verification needs client_credentials", more: "keyManager: {grantTypes: [password]}\n", path: "keyManager.grantTypes", value: "password", says: "set verify.level to health"},
	})
	parse(t, minimal+"keyManager: {grantTypes: [password, 'urn:ietf:params:oauth:grant-type:token-exchange']}\nverify: {level: health}\n")
}

func TestAllProblemsComeAtOnce(t *testing.T) {
	_, err := Parse([]byte("apiVersion: lockstep/v1\nimage: {target: x}\nidentityServer: {chart: {version: next}, replicas: -1}\n"), nil)
	var found Problems
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
	for _, c := range []struct{ holds, old, new, more, path, says string }{
		{holds: "wso2.com is preloaded", old: "am.example.com", new: "am.wso2.com", path: "hostnames.management", says: "HSTS"},
		{holds: ".local is multicast", old: "am.example.com", new: "am.local", path: "hostnames.management", says: "multicast"},
		{holds: "a chart version without -N is hardly found", more: "apiManager: {chart: {version: 4.7.0}}\n", path: "apiManager.chart.version", says: "write 4.7.0-1"},
		{holds: "a 7.1 chart on a 7.2 image lacks a database", more: "identityServer: {chart: {version: 7.1.0-3}}\n", path: "identityServer.chart.version", says: "use a chart of 7.2"},
		{holds: "a 4.7 chart on a 4.6 image", more: "apiManager: {image: 'wso2/wso2am:4.6.0'}\n", path: "apiManager.chart.version", says: "use a chart of 4.6"},
		{holds: "latest moves", old: "target:", new: "base: wso2/wso2is:latest\n  target:", path: "image.base", says: "moves"},
		{holds: "no handler, no revocation", old: "target:", new: "artifacts: []\n  target:", path: "image.artifacts", says: "token was revoked"},
		{holds: "H2 forgets", path: "apiManager.values", says: "loses everything"},
		{holds: "AppArmor must be there", more: "identityServer: {values: {deployment: {apparmor: {enabled: true}}}}\n", path: "identityServer.values.deployment.apparmor.enabled", says: "AppArmor on every node"},
	} {
		t.Run(c.holds, func(t *testing.T) {
			env := parse(t, strings.Replace(minimal, c.old, c.new, 1)+c.more)
			for _, warning := range env.Warnings() {
				if warning.Path == c.path && strings.Contains(warning.String(), c.says) {
					return
				}
			}
			t.Errorf("no warning of %s with %q among %v", c.path, c.says, env.Warnings())
		})
	}
}
