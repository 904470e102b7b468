package activities

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/config"
	"lockstep/internal/cluster"
)

func quickstart() config.Environment {
	env := config.Environment{
		APIVersion: "lockstep/v1", Name: "quickstart", Namespace: "apim",
		Hostnames: config.Hostnames{Management: "am.lockstep.test", Gateway: "gw.lockstep.test", WebSocket: "websocket.lockstep.test",
			WebSub: "websub.lockstep.test", KeyManager: "km.lockstep.test"},
		Image: config.Image{Target: "registry.lockstep.test/wso2is-km:7.2.0"},
	}
	env.Default()
	return env
}

func TestAClusterIsHeldAgainstTheRangeOfTheGatewayChart(t *testing.T) {
	for _, test := range []struct {
		version cluster.Version
		refused bool
		warned  bool
	}{
		{cluster.Version{Major: 1, Minor: 31}, true, false},
		{cluster.Version{Major: 1, Minor: 32}, false, false},
		{cluster.Version{Major: 1, Minor: 35}, false, false},
		{cluster.Version{Major: 1, Minor: 36}, false, true},
	} {
		var found Preflight
		err := checkVersion(test.version, quickstart(), &found)
		if (err != nil) != test.refused || (len(found.Warnings) > 0) != test.warned {
			t.Errorf("%s: %v, warnings %v", test.version, err, found.Warnings)
		}
		if err != nil && !strings.Contains(err.Error(), "upgrade the cluster") {
			t.Errorf("no next move in %v", err)
		}
	}
	own := quickstart()
	own.Routing.Install = new(bool)
	if err := checkVersion(cluster.Version{Major: 1, Minor: 20}, own, &Preflight{}); err != nil {
		t.Errorf("a gateway of one's own fits every cluster: %v", err)
	}
}

func TestAllProblemsAreReportedAndOneThatIsFinalMakesThemFinal(t *testing.T) {
	run := func(errs ...error) error {
		var checks []func(context.Context) error
		for _, err := range errs {
			checks = append(checks, func(context.Context) error { return err })
		}
		return all(t.Context(), checks)
	}
	if err := run(nil, nil); err != nil {
		t.Error(err)
	}
	err := run(passing(TypeUnavailable, "the registry is down"), nil, failure(TypeNotFound, "no such chart"))
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != TypeNotFound || !app.NonRetryable() || app.Message() != "the registry is down\nno such chart" {
		t.Errorf("%+v", err)
	}
	err = run(passing(TypeUnavailable, "the registry is down"), passing(TypeUnavailable, "so is the repository"))
	if !errors.As(err, &app) || app.NonRetryable() {
		t.Errorf("%+v is not worth another attempt", err)
	}
	if err := run(failure(TypeNotFound, "x"), context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancellation becomes %v", err)
	}
}

func TestEverySetNamesItsObjects(t *testing.T) {
	env := quickstart()
	for set, want := range map[ObjectSet]string{
		NamespaceObjects:        "Namespace apim",
		CredentialObjects:       "Secret apim/lockstep-credentials",
		CertificateObjects:      "Secret apim/lockstep-ca, Secret apim/gateway-tls, Secret apim/is-keystores, Secret apim/apim-keystore-secret, ConfigMap apim/wso2-ca-cert",
		GatewayNamespaceObjects: "Namespace envoy-gateway-system",
		RouteObjects: "HTTPRoute apim/is-identity-server-httproute, BackendTLSPolicy apim/is-identity-server-backend-tls-policy, " +
			"BackendTrafficPolicy apim/is-identity-server-backend-traffic-policy",
		"unknown": "",
	} {
		if got := named(refs(set, env)); got != want {
			t.Errorf("%s: %s, want %s", set, got, want)
		}
	}
	env.Routing.Namespace = env.Namespace
	if got := refs(GatewayNamespaceObjects, env); len(got) > 0 {
		t.Errorf("the environment's own namespace would go with the gateway: %v", got)
	}
}

func named(refs []cluster.Ref) string {
	var names []string
	for _, ref := range refs {
		names = append(names, ref.String())
	}
	return strings.Join(names, ", ")
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
