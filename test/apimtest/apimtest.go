// Package apimtest runs both simulated products side by side, over TLS with minted stores, for tests of what speaks to them.
// What passes is checked against the products' OpenAPI files, where these are at hand.
package apimtest

import (
	"context"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/identity"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/fault"
	"lockstep/sandbox/wso2am"
	"lockstep/sandbox/wso2is"
)

// Where the products are in the pods' network.
const (
	APIManager     = "https://" + carbontest.APIMService + ":9443"
	Gateway        = "https://" + carbontest.APIMService + ":8243"
	IdentityServer = "https://" + carbontest.ISService + ":9443"
	Public         = "https://km.example.test"
	VHost          = "gw.example.test"
)

// Options are what a test changes of a world in which all is right.
type Options struct {
	ISToml   string            // deployment.toml of Identity Server
	NoJar    bool              // the notification handler is not in its image
	Settings map[string]string // variables of API Manager's container: how fast things go
}

// World is both products and a client that reaches them.
type World struct {
	IS, APIM *carbontest.Pod
	HTTP     *http.Client
	traffic  *traffic
	faults   string
}

// Start starts both products; the test's end stops them.
func Start(t testing.TB, o Options) *World {
	t.Helper()
	stores, network := carbontest.Mint(t), carbontest.NewNetwork(t)
	w := &World{HTTP: network.Client(t, stores.CA.PEM()), faults: filepath.Join(t.TempDir(), "faults.yaml")}
	if o.ISToml == "" {
		o.ISToml = carbontest.ISToml
	}
	files := carbontest.ISFiles(t, stores, o.ISToml)
	if o.NoJar {
		delete(files, path.Join(carbontest.ISHome, "repository/components/dropins", carbontest.Jar))
	}
	settings := map[string]string{
		wso2am.VarPropagation: "5ms", wso2am.VarDeployment: "5ms", wso2am.VarRevocation: "5ms", wso2am.VarRegistrationFailures: "0",
	}
	for name, value := range o.Settings {
		settings[name] = value
	}
	w.IS = carbontest.NewPod(t, network, files, carbontest.Variables(carbontest.ISHome, nil))
	w.APIM = carbontest.NewPod(t, network, carbontest.APIMFiles(stores, carbontest.APIMToml), carbontest.Variables(carbontest.APIMHome, settings))
	w.APIM.Env.Faults = w.faults
	network.Name(carbontest.ISService, w.IS)
	network.Name(carbontest.APIMService, w.APIM)
	w.IS.Start(t, wso2is.Run)
	w.APIM.Start(t, wso2am.Run)
	w.traffic = watch(t, w.HTTP.Transport)
	w.HTTP.Transport = w.traffic
	return w
}

// Fault makes API Manager misbehave from now on. Without any, it does no more.
func (w *World) Fault(t testing.TB, faults ...fault.Fault) {
	t.Helper()
	for i := range faults {
		faults[i].Server = fault.APIManager
	}
	if err := fault.Write(w.faults, faults...); err != nil {
		t.Fatal(err)
	}
}

// Before is called with every request before it is sent; it may change it, wait, or end the request with an error. Nil: no more.
func (w *World) Before(hook func(*http.Request) error) {
	w.traffic.mu.Lock()
	defer w.traffic.mu.Unlock()
	w.traffic.before = hook
}

// Sent are all requests so far, as METHOD /path.
func (w *World) Sent() []string {
	w.traffic.mu.Lock()
	defer w.traffic.mu.Unlock()
	return append([]string(nil), w.traffic.sent...)
}

// Client is a client of API Manager as the super admin, with a token of its own.
func (w *World) Client() *apim.Client { return w.ClientAs("admin", carbontest.AdminPassword) }

// ClientAs is a client as another user.
func (w *World) ClientAs(user, password string) *apim.Client {
	return apim.New(apim.Options{Base: APIManager, HTTP: w.HTTP, Username: user, Password: password, ClientName: "lockstep", Clients: w.Identity()})
}

// Identity is a client of Identity Server as the super admin.
func (w *World) Identity() *identity.Client { return w.IdentityAs("admin", carbontest.AdminPassword) }

// IdentityAs is a client as another user.
func (w *World) IdentityAs(user, password string) *identity.Client {
	return identity.New(identity.Options{Base: IdentityServer, HTTP: w.HTTP, Username: user, Password: password})
}

// KeyManager is the registration of Identity Server, as it has to be.
func KeyManager() apim.KeyManager {
	env := config.Environment{}
	env.Default()
	return apim.NewKeyManager(env.KeyManager, apim.Registration{
		Service: IdentityServer, Public: Public, Issuer: Public + "/oauth2/token", Username: "admin", Password: carbontest.AdminPassword,
	})
}

// Register registers Identity Server and waits until keys can be generated with it.
func (w *World) Register(t testing.TB, manager apim.KeyManager) apim.KeyManager {
	t.Helper()
	ctx, c := context.Background(), w.Client()
	stored, err := c.CreateKeyManager(ctx, manager)
	if err != nil {
		t.Fatal(err)
	}
	carbontest.Eventually(t, "the key manager is known where it is used", func() bool {
		app, err := c.CreateApplication(ctx, "until it is known")
		if err != nil {
			t.Fatal(err)
		}
		_, failed := c.GenerateKeys(ctx, app, stored.ID())
		if err := c.DeleteApplication(ctx, app); err != nil {
			t.Fatal(err)
		}
		return failed == nil || manager["enabled"] != true
	})
	return stored
}

// Left names what was made and is still there: applications and APIs in API Manager, OAuth clients in Identity Server.
func (w *World) Left(t testing.TB) (left []string) {
	t.Helper()
	token := w.portalToken(t)
	for _, list := range []string{"/api/am/devportal/v3/applications", "/api/am/publisher/v4/apis"} {
		answer := carbontest.Expect(t, w.HTTP, 200, carbontest.Call{Method: "GET", URL: APIManager + list, Bearer: token})
		items, _ := answer.JSON["list"].([]any)
		for _, item := range items {
			left = append(left, path.Base(list)+" "+item.(map[string]any)["name"].(string))
		}
	}
	for _, key := range w.traffic.consumerKeys() {
		answer := carbontest.Do(t, w.HTTP, carbontest.Call{Method: "GET",
			URL: IdentityServer + "/api/identity/oauth2/dcr/v1.1/register/" + key, Basic: [2]string{"admin", carbontest.AdminPassword}})
		if answer.Status != http.StatusNotFound {
			left = append(left, "client "+key)
		}
	}
	return left
}

func (w *World) portalToken(t testing.TB) string {
	t.Helper()
	admin := [2]string{"admin", carbontest.AdminPassword}
	client := carbontest.Expect(t, w.HTTP, 200, carbontest.Call{Method: "POST", URL: APIManager + "/client-registration/v0.17/register", Basic: admin,
		JSON: map[string]any{"callbackUrl": "https://localhost", "clientName": "observer", "owner": "admin", "grantType": "password", "saasApp": true}})
	return carbontest.Expect(t, w.HTTP, 200, carbontest.Call{Method: "POST", URL: APIManager + "/oauth2/token",
		Basic: [2]string{client.Text("clientId"), client.Text("clientSecret")},
		Form:  map[string][]string{"grant_type": {"password"}, "username": {admin[0]}, "password": {admin[1]}, "scope": {strings.Join([]string{"apim:subscribe", "apim:app_manage", "apim:api_view"}, " ")}},
	}).Text("access_token")
}
