package pins

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
	"lockstep/config/validation"
	"lockstep/internal/component"
)

const digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func deployed(env config.Environment) Used {
	used := Used{APIManagerImage: "docker.io/wso2/wso2am@sha256:" + digits, Base: "docker.io/wso2/wso2is:7.2.0@sha256:" + digits,
		Charts: map[string]Chart{
			component.IdentityServer: {Version: "7.2.0-1", Digest: "sha256:" + digits}, component.APIManager: {Version: "4.7.0-1", Digest: "sha256:" + digits},
			component.Gateway: {Version: "v1.9.0", Digest: "sha256:" + digits, Manifest: "sha256:" + digits},
		}}
	for _, a := range env.Image.Artifacts {
		a.SHA256 = digits
		used.Artifacts = append(used.Artifacts, a)
	}
	return used
}

func TestThePinsOfAReportArePastedAndThenNothingIsLeftToPin(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal)
	found := Of(env, deployed(env))
	var file, pasted map[string]any
	if err := yaml.Unmarshal([]byte(configtest.Minimal), &file); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(found.Environment), &pasted); err != nil {
		t.Fatal(err)
	}
	whole, err := yaml.Marshal(config.MergeValues(file, pasted))
	if err != nil {
		t.Fatal(err)
	}
	again, err := environments.Parse(whole, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, whole)
	}
	if loose := validation.Unpinned(again); len(loose) > 0 {
		t.Errorf("not pinned: %v in\n%s", loose, whole)
	}
	want := "gateway:\n  chart:\n    digest: sha256:" + digits + "\n    oci: oci://docker.io/envoyproxy/gateway-helm\n    version: v1.9.0\n"
	if diff := cmp.Diff(want, found.Cluster); diff != "" {
		t.Errorf("for the cluster's file (-want +got):\n%s", diff)
	}
	again.Routing.Chart = config.Chart{OCI: config.DefaultGatewayChart, Version: "v1.9.0", Digest: "sha256:" + digits}
	if left := Of(again, deployed(again)); left != (Pins{}) {
		t.Errorf("still to pin: %+v", left)
	}
	if none := Of(env, Used{}); none != (Pins{}) {
		t.Errorf("of what was not done: %+v", none)
	}
}

func TestPastingAPinChangesNoAddressAndShowsNoSignature(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal)
	env.Image.Artifacts = []config.Artifact{{URL: "https://files.example.com/a.jar", SHA256: digits}, {URL: "https://files.example.com/get?file=b.jar&sig=secret", Destination: "lib/b.jar"}, {URL: "https://files.example.com/c.jar"}}
	found := Of(env, deployed(env)).Environment
	for _, line := range []string{"# image.artifacts[1]: sha256: " + digits + "\n", "# image.artifacts[2]: sha256: " + digits + "\n"} {
		if !strings.Contains(found, line) {
			t.Errorf("%q is not in\n%s", line, found)
		}
	}
	var pasted struct {
		Image map[string]any `json:"image"`
	}
	if err := yaml.Unmarshal([]byte(found), &pasted); err != nil {
		t.Fatal(err)
	}
	if pasted.Image["artifacts"] != nil || pasted.Image["base"] == nil || strings.Contains(found, "secret") || strings.Contains(found, "artifacts[0]") {
		t.Errorf("it prints\n%s", found)
	}
}
