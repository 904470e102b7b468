package charts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"lockstep/sandbox/charts"
)

const (
	identityServer   = "identity-server-7.2.0-1.tgz"
	identityServer71 = "identity-server-7.1.0-3.tgz"
	apiManager       = "wso2am-all-in-one-4.7.0-1.tgz"

	// pattern0 is what makes the API Manager chart installable.
	pattern0 = `
kubernetes: {gatewayAPI: {gatewayName: gw, backendTLSPolicy: {enabled: true, caCertificateConfigMap: wso2-ca-cert}, backendTrafficPolicy: {enabled: true}}}
wso2:
  apim: {configurations: {encryption: {key: abc}, databases: {type: h2}}}
  deployment: {image: {registry: docker.io, repository: wso2/wso2am, tag: 4.7.0}}
`
)

func TestArchivesAreTheSameBytesEveryTime(t *testing.T) {
	first, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	second, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(first, second) {
		t.Error("two packings differ")
	}
}

func TestArchivesAreWhatTheirNamesSayAndSimulated(t *testing.T) {
	archives, err := charts.Archives()
	if err != nil {
		t.Fatal(err)
	}
	for name, archive := range archives {
		chart := load(t, archive)
		if got := chart.Name() + "-" + chart.Metadata.Version + ".tgz"; got != name {
			t.Errorf("%s holds %s", name, got)
		}
		if !strings.Contains(chart.Metadata.Description, "Simulated") {
			t.Errorf("%s does not say that it is simulated: %s", name, chart.Metadata.Description)
		}
	}
}

func TestEveryRenderedConfigurationIsTOML(t *testing.T) {
	for name, test := range map[string]struct{ archive, configMap, values string }{
		"identity server 7.2":        {identityServer, "x-identity-server-deployment-toml", ""},
		"identity server 7.1":        {identityServer71, "x-identity-server-deployment-toml", ""},
		"identity server and extras": {identityServer, "x-identity-server-deployment-toml", "deploymentToml: {extraConfigs: '[role_mgt]\n\n  allow_system_prefix_for_role = true'}"},
		"api manager":                {apiManager, "x-wso2am-all-in-one-am-conf-1", pattern0},
		"api manager, second node":   {apiManager, "x-wso2am-all-in-one-am-conf-2", pattern0 + "  \n" + "x: {}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			values := test.values
			if strings.HasSuffix(test.configMap, "-2") {
				values = strings.Replace(values, "deployment: {image:", "deployment: {highAvailability: true, image:", 1)
			}
			document := mustRender(t, simulated(t, test.archive), "x", "ns", values).data(t, test.configMap, "deployment.toml")
			var parsed map[string]any
			if err := toml.Unmarshal([]byte(document), &parsed); err != nil {
				t.Fatalf("%v in\n%s", err, document)
			}
			if headers := headersAfterTheirChildren(document); test.archive != apiManager && len(headers) > 0 {
				t.Errorf("the product's parser overflows on %v", headers)
			}
		})
	}
}

// headersAfterTheirChildren finds [parent] after [parent.child], which the products' TOML parser does not survive.
func headersAfterTheirChildren(document string) []string {
	var seen, late []string
	for line := range strings.Lines(document) {
		header := strings.Trim(strings.TrimSpace(line), "[]")
		if !strings.HasPrefix(line, "[") || strings.HasPrefix(line, "[[") {
			continue
		}
		if slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, header+".") }) {
			late = append(late, header)
		}
		seen = append(seen, header)
	}
	return late
}
