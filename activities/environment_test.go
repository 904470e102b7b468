package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/settings"
)

func TestNobodyUpgradesAGatewayThatCouldNotBeLookedAt(t *testing.T) {
	for _, test := range []struct {
		name             string
		secrets, version int // what the API server answers
		chart            config.Chart
		want             string // empty: an error
	}{
		{name: "nothing is installed", secrets: http.StatusOK, version: http.StatusOK, want: "v1.8.0"},
		{name: "the releases cannot be read now", secrets: http.StatusServiceUnavailable, version: http.StatusOK},
		{name: "the releases may not be read", secrets: http.StatusForbidden, version: http.StatusOK},
		{name: "the cluster's version cannot be read now", secrets: http.StatusOK, version: http.StatusServiceUnavailable},
		{name: "an operation has a version", secrets: http.StatusServiceUnavailable, chart: config.Chart{OCI: config.DefaultGatewayChart, Version: "v1.7.0"}, want: "v1.7.0"},
		{name: "an operation has another chart", secrets: http.StatusOK, version: http.StatusOK, chart: config.Chart{OCI: "oci://registry.test/own", Version: "v0.1.0"}, want: "v1.8.0"},
	} {
		server := &apiServer{}
		https := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status, answer := test.version, `{"major":"1","minor":"32"}`
			if strings.HasSuffix(r.URL.Path, "/secrets") {
				status, answer = test.secrets, `{"apiVersion":"v1","kind":"SecretList","items":[]}`
			}
			if status != http.StatusOK {
				answer = fmt.Sprintf(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":%q,"code":%d}`, strings.ReplaceAll(http.StatusText(status), " ", ""), status)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, answer)
		}))
		t.Cleanup(https.Close)
		server.address = https.URL
		path := filepath.Join(t.TempDir(), "kubeconfig")
		server.write(t, path, "token")
		env, err := checkedQuickstart(t, path, test.chart)
		if (err == nil) != (test.want != "") || env.Routing.Chart.Version != test.want {
			t.Errorf("%s: version %q, %v", test.name, env.Routing.Chart.Version, err)
		}
	}
}

// A step that wants the cluster says that there is none.
func TestAGatewayHasAVersionWithoutACluster(t *testing.T) {
	env, err := checkedQuickstart(t, filepath.Join(t.TempDir(), "absent"), config.Chart{})
	if err != nil || env.Routing.Chart.Version != "v1.9.0" {
		t.Errorf("version %q, %v", env.Routing.Chart.Version, err)
	}
}

func checkedQuickstart(t *testing.T, kubeconfig string, chart config.Chart) (config.Environment, error) {
	t.Helper()
	env, err := environments.Load("../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := New(settings.Settings{Kubeconfig: kubeconfig, CacheDir: t.TempDir()})
	return a.CheckEnvironment(t.Context(), CheckInput{Environment: environments.Inline(env), GatewayChart: chart})
}

func TestCRDsThatSomebodyElseBringsAreNotLookedFor(t *testing.T) {
	server, path := newAPIServer(t), filepath.Join(t.TempDir(), "kubeconfig")
	server.write(t, path, "token")
	in := Input{}
	in.Env.Routing.Chart = config.Chart{Path: filepath.Join(t.TempDir(), "absent")}
	in.Env.Routing.Values = config.Values{"crds": map[string]any{"enabled": false}}
	a := New(settings.Settings{Kubeconfig: path, CacheDir: t.TempDir()})
	if missing, err := a.LookCRDs(t.Context(), in); err != nil || len(missing) > 0 {
		t.Errorf("missing %v, %v", missing, err)
	}
}
