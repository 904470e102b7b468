package environments_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/config/environments"
)

func TestAMinimalEnvironmentGetsTheGuidesVersions(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal)
	got := map[string]string{
		"base":    env.Image.Base,
		"jar":     env.Image.Artifacts[0].File(),
		"is":      env.IdentityServer.Chart.Repository + " " + env.IdentityServer.Chart.Name + " " + env.IdentityServer.Chart.Version,
		"apim":    env.APIManager.Chart.Name + " " + env.APIManager.Chart.Version + " " + env.APIManager.Image,
		"gateway": env.Routing.Chart.OCI + " " + env.Routing.Chart.Version,
		"wait":    env.Timeouts.APIManager.String(),
	}
	want := map[string]string{
		"base":    "docker.io/wso2/wso2is:7.2.0",
		"jar":     "repository/components/dropins/wso2is.notification.event.handlers-2.1.3.jar",
		"is":      "https://helm.wso2.com identity-server 7.2.0-1",
		"apim":    "wso2am-all-in-one 4.7.0-1 docker.io/wso2/wso2am:4.7.0",
		"gateway": "oci://docker.io/envoyproxy/gateway-helm ",
		"wait":    "15m",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestDefaultsTwiceAreDefaultsOnce(t *testing.T) {
	once := configtest.Parse(t, configtest.Minimal)
	twice := configtest.Parse(t, configtest.Minimal)
	twice.Default()
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("(-once +twice):\n%s", diff)
	}
}

func TestOnlyAChartsVersionMayBeGiven(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal+"identityServer: {chart: {version: 7.1.0-3}}\nrouting: {chart: {version: v1.6.1}}\n")
	want := config.Chart{Repository: config.DefaultRepository, Name: config.DefaultISChart, Version: "7.1.0-3"}
	if diff := cmp.Diff(want, env.IdentityServer.Chart); diff != "" {
		t.Errorf("Identity Server's chart (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Chart{OCI: config.DefaultGatewayChart, Version: "v1.6.1"}, env.Routing.Chart); diff != "" {
		t.Errorf("the gateway's chart (-want +got):\n%s", diff)
	}
}

func TestValuesKeepTheirKeysAndWholeNumbersThroughJSONAndYAML(t *testing.T) {
	text := configtest.Minimal + "apiManager: {values: {Kept: {camelCase: 1000000, fraction: 1.5, text: \"0407\", gone: null}}}\n" +
		"timeouts: {gateway: 90s, verify: 1h30m}\n"
	env := configtest.Parse(t, text)
	want := config.Values{"Kept": map[string]any{"camelCase": int64(1000000), "fraction": 1.5, "text": "0407", "gone": nil}}
	if diff := cmp.Diff(want, env.APIManager.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	var again config.Environment
	asJSON, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(env, again); diff != "" {
		t.Errorf("through JSON (-want +got):\n%s", diff)
	}
	asYAML, err := yaml.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(env, configtest.Parse(t, string(asYAML))); diff != "" {
		t.Errorf("through YAML (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(asYAML), "gateway: 90s") && !strings.Contains(string(asYAML), "gateway: 1m30s") {
		t.Errorf("no readable duration in:\n%s", asYAML)
	}
}

func TestAnEmptyListOfArtifactsStaysEmpty(t *testing.T) {
	env := configtest.Parse(t, strings.TrimSuffix(configtest.Minimal, "\n")+"\n  artifacts: []\n")
	asJSON, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	var again config.Environment
	if err := json.Unmarshal(asJSON, &again); err != nil {
		t.Fatal(err)
	}
	again.Default()
	if len(again.Image.Artifacts) != 0 {
		t.Errorf("the defaults came back: %v", again.Image.Artifacts)
	}
}

func TestAValuesFileLiesUnderTheValues(t *testing.T) {
	files := map[string]string{"is.yaml": "deployment:\n  resources: {requests: {cpu: 2, memory: 2Gi}}\n  list: [1, 2]\n"}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	env, err := environments.Parse([]byte(configtest.Minimal+"identityServer:\n  valuesFile: is.yaml\n  values: {deployment: {resources: {requests: {cpu: 500m}}, list: [3]}}\n"), read)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Values{"deployment": map[string]any{
		"resources": map[string]any{"requests": map[string]any{"cpu": "500m", "memory": "2Gi"}}, "list": []any{int64(3)}}}
	if diff := cmp.Diff(want, env.IdentityServer.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if env.IdentityServer.ValuesFile != "" {
		t.Error("a folded values file is still named: another machine would look for it")
	}
	_, err = environments.Parse([]byte(configtest.Minimal+"apiManager: {valuesFile: gone.yaml}\n"), read)
	configtest.WantProblem(t, err, "apiManager.valuesFile", "gone.yaml", "cannot be read")
	_, err = environments.Parse([]byte(configtest.Minimal+"apiManager: {valuesFile: token}\n"), func(string) ([]byte, error) { return []byte("eyJhbGciOi"), nil })
	if err == nil || strings.Contains(err.Error(), "eyJhbGciOi") {
		t.Errorf("it shows what stands in a file that is no values file: %v", err)
	}
	_, err = environments.Parse([]byte(configtest.Minimal+"apiManager: {valuesFile: is.yaml}\n"), nil)
	configtest.WantProblem(t, err, "apiManager.valuesFile", "is.yaml", "only read beside an environment file")
}

func TestAProductionTimeoutIsADuration(t *testing.T) {
	env := configtest.Parse(t, configtest.Minimal+"timeouts: {identityServer: 1h30m}\n")
	if time.Duration(env.Timeouts.IdentityServer) != 90*time.Minute {
		t.Errorf("1h30m became %s", env.Timeouts.IdentityServer)
	}
}
