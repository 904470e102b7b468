package activities

import (
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
)

func quickstart() config.Environment {
	env := configtest.Quickstart()
	env.Routing.Chart.Version = config.DefaultGatewayVersion // as CheckEnvironment chooses
	return env
}

func TestAReportSaysWhereEverythingIsAndHoldsNoSecret(t *testing.T) {
	env := quickstart()
	r := compose(ReportInput{Input: Input{Env: env}, Kubernetes: "v1.35", Gateway: Gateway{Address: "10.0.0.7"},
		Image: Image{Reference: "registry.lockstep.test/wso2is-km@sha256:1"}, KeyManager: KeyManager{ID: "k", Issuer: "https://km.lockstep.test/oauth2/token"}})
	if r.GatewayURL != "https://gw.lockstep.test" || r.Consoles[0].URL != "https://am.lockstep.test/publisher" || r.Issuer != "https://km.lockstep.test/oauth2/token" {
		t.Errorf("%+v", r)
	}
	if want := "10.0.0.7 am.lockstep.test gw.lockstep.test websocket.lockstep.test websub.lockstep.test km.lockstep.test"; r.Hosts != want {
		t.Errorf("hosts %q, want %q", r.Hosts, want)
	}
	if want := "kubectl get secret lockstep-credentials -n apim -o jsonpath='{.data.adminPassword}' | base64 -d"; r.AdminPassword != want {
		t.Errorf("password %q, want %q", r.AdminPassword, want)
	}
	if r := compose(ReportInput{Input: Input{Env: env}}); r.Hosts != "" {
		t.Errorf("hosts without an address: %q", r.Hosts)
	}
}
