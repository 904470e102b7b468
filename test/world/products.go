package world

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lockstep/internal/apim"
	"lockstep/internal/verify"
	"lockstep/sandbox/carbon/carbontest"
)

// Names of the products' Services in the environment of examples/quickstart.yaml.
const (
	IdentityService = "is-identity-server"
	APIMService     = "apim-wso2am-all-in-one-am-service"
)

// Products speaks to a product as the administrator, through the API server.
type Products struct {
	client *http.Client
	admin  [2]string
}

// Products reaches the products of a deployed environment.
func (w *World) Products(t testing.TB) Products {
	t.Helper()
	credentials, _, err := w.Cluster.Secret(t.Context(), Namespace, "lockstep-credentials")
	if err != nil {
		t.Fatal(err)
	}
	ca, _, err := w.Cluster.ConfigMap(t.Context(), Namespace, "wso2-ca-cert")
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM([]byte(ca["ca.crt"]))
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trust},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			service, _, _ := net.SplitHostPort(address)
			return w.Dialer.Service(Namespace, service)(ctx, network, address)
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	return Products{client, [2]string{Admin, string(credentials["adminPassword"])}}
}

// NothingOfVerification asks both products whether anything is left of what verifications and probes make.
func (w *World) NothingOfVerification(t testing.TB) {
	t.Helper()
	p := w.Products(t)
	apim, identity := "https://"+APIMService+":9443", "https://"+IdentityService+":9443"
	client := p.Call(t, 200, carbontest.Call{Method: "POST", URL: apim + "/client-registration/v0.17/register", Basic: p.admin, JSON: map[string]any{
		"callbackUrl": "https://localhost", "clientName": "lockstep", "owner": Admin, "grantType": "client_credentials password refresh_token", "saasApp": true,
	}})
	token := p.Call(t, 200, carbontest.Call{Method: "POST", URL: apim + "/oauth2/token", Basic: [2]string{client.Text("clientId"), client.Text("clientSecret")}, Form: url.Values{
		"grant_type": {"password"}, "username": {p.admin[0]}, "password": {p.admin[1]}, "scope": {"apim:api_view apim:subscribe apim:app_manage"},
	}}).Text("access_token")
	for _, path := range []string{"/api/am/devportal/v3/applications", "/api/am/publisher/v4/apis"} {
		answer := p.Call(t, 200, carbontest.Call{Method: "GET", URL: apim + path, Bearer: token})
		if strings.Contains(string(answer.Body), verify.Prefix) {
			t.Errorf("left of the verification: %s", answer.Body)
		}
	}
	answer := p.Call(t, 200, carbontest.Call{Method: "GET", URL: identity + "/api/server/v1/applications", Basic: p.admin})
	if answer.JSON["totalResults"] != 0.0 {
		t.Errorf("clients left in Identity Server: %s", answer.Body)
	}
}

// APIM is API Manager's client, as Lockstep's own.
func (p Products) APIM() *apim.Client {
	return apim.New(apim.Options{Base: "https://" + APIMService + ":9443", HTTP: p.client, Username: p.admin[0], Password: p.admin[1], ClientName: "lockstep"})
}

// Call expects an answer with status.
func (p Products) Call(t testing.TB, status int, call carbontest.Call) carbontest.Answer {
	t.Helper()
	return carbontest.Expect(t, p.client, status, call)
}
