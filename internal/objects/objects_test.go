package objects_test

import (
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/config/configtest"
	"lockstep/internal/cluster"
	"lockstep/internal/objects"
)

func quickstart() config.Environment { return configtest.Quickstart() }

func TestEverySetNamesItsObjects(t *testing.T) {
	env := quickstart()
	for set, want := range map[objects.Set]string{
		objects.Namespace:        "Namespace apim",
		objects.Credentials:      "Secret apim/lockstep-credentials",
		objects.Certificates:     "Secret apim/lockstep-ca, Secret apim/control-plane-https-tls, Secret apim/gateway-https-tls, Secret apim/websocket-https-tls, Secret apim/websub-https-tls, Secret apim/keymanager-https-tls, Secret apim/is-keystores, Secret apim/apim-keystore-secret, ConfigMap apim/wso2-ca-cert",
		objects.GatewayNamespace: "Namespace envoy-gateway-system",
		objects.Routes: "HTTPRoute apim/is-identity-server-httproute, BackendTLSPolicy apim/is-identity-server-backend-tls-policy, " +
			"BackendTrafficPolicy apim/is-identity-server-backend-traffic-policy",
		"unknown": "",
	} {
		if got := named(objects.Refs(set, env)); got != want {
			t.Errorf("%s: %s, want %s", set, got, want)
		}
	}
	env.Routing.Namespace = env.Namespace
	if got := objects.Refs(objects.GatewayNamespace, env); len(got) > 0 {
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
