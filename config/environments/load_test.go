package environments_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	env := configtest.Parse(t, configtest.Minimal+"identityServer: {chart: {version: 7.1.0-3}}\n")
	want := config.Chart{Repository: config.DefaultRepository, Name: config.DefaultISChart, Version: "7.1.0-3"}
	if diff := cmp.Diff(want, env.IdentityServer.Chart); diff != "" {
		t.Errorf("Identity Server's chart (-want +got):\n%s", diff)
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
	asYAML, err := yaml.Marshal(env.AsWritten())
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

func TestWhatIsTheClustersNoEnvironmentSays(t *testing.T) {
	configtest.Check(t, []configtest.Refusal{
		{Holds: "a kubeconfig is the cluster's", More: "cluster: {kubeconfig: /home/me/.kube/config, context: kind}\n", Path: "cluster", Says: "(line 11): is a mapping, but must be the name of a cluster; write kubeconfig and context into a file of kind Cluster"},
		{Holds: "a cluster has a name", More: "cluster: Prod\n", Path: "cluster", Value: "Prod", Says: "is not a DNS label"},
		{Holds: "the gateway controller is the cluster's", More: "routing: {chart: {version: v1.6.1}}\n", Path: "routing.chart", Says: "writes gateway.chart into the cluster's file"},
		{Holds: "so are its values", More: "routing: {valuesFile: /etc/passwd}\n", Path: "routing.valuesFile", Says: "gateway.valuesFile"},
		{Holds: "a chart is not taken from anywhere", More: "apiManager: {chart: {path: /tmp/chart}}\n", Path: "apiManager.chart.path", Value: "/tmp/chart", Says: "leads out of the folder of charts"},
		{Holds: "a chart does not lead upwards", More: "apiManager: {chart: {path: a/../../chart}}\n", Path: "apiManager.chart.path", Value: "a/../../chart", Says: "leads out of the folder of charts"},
	})
	env, _ := environments.Parse([]byte(configtest.Minimal+"routing: {release: mine, gateway: own}\n"), nil)
	if env.Routing.Release != "envoy-gateway" || env.Routing.Gateway != "own" {
		t.Errorf("an environment brings its own controller: %+v", env.Routing)
	}
}

func TestOperationsOfEarlierVersionsCanBeReadAndReachNoCluster(t *testing.T) {
	var env config.Environment
	if err := json.Unmarshal([]byte(`{"name": "dev", "cluster": {"kubeconfig": "/home/me/.kube/config"}, "routing": {"release": "eg", "gateway": "gw"}}`), &env); err != nil {
		t.Fatal(err)
	}
	if config.IsName(string(env.Cluster)) || env.Routing.Release != "eg" || env.Routing.Gateway != "gw" {
		t.Errorf("read %+v", env)
	}
}

func TestAValuesFileIsBesideItsEnvironmentOrNowhere(t *testing.T) {
	folder, outside := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{"values.yaml": "a: 1\n", "below/values.yaml": "a: 2\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret.yaml"), []byte("password: geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link.yaml": filepath.Join(outside, "secret.yaml"), "zero.yaml": "/dev/zero", "up": outside} {
		if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "huge.yaml"), bytes.Repeat([]byte("# \n"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "env.yaml")
	loading := func(name string) (config.Environment, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(configtest.Minimal+"identityServer: {valuesFile: "+name+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return environments.Load(file)
	}
	for name, want := range map[string]int64{"values.yaml": 1, "below/values.yaml": 2, "./below/../values.yaml": 1} {
		if env, err := loading(name); err != nil || env.IdentityServer.Values["a"] != want {
			t.Errorf("%s: %v, %v", name, env.IdentityServer.Values, err)
		}
	}
	for _, name := range []string{filepath.Join(outside, "secret.yaml"), "../" + filepath.Base(outside) + "/secret.yaml", "link.yaml", "up/secret.yaml", "zero.yaml", "pipe.yaml", "huge.yaml", "below", "/dev/zero"} {
		_, err := loading(name)
		configtest.WantProblem(t, err, "identityServer.valuesFile", name, "cannot be read")
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s was read: %v", name, err)
		}
	}
}
