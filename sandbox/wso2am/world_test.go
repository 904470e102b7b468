package wso2am_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/carbon/contract"
	"lockstep/sandbox/wso2am"
	"lockstep/sandbox/wso2is"
)

const (
	am = "https://apim-wso2am-all-in-one-am-service:9443"
	gw = "https://apim-wso2am-all-in-one-am-service:8243"
	is = "https://is-identity-server:9443"

	adminAPI  = am + "/api/am/admin/v4"
	publisher = am + "/api/am/publisher/v4"
	devportal = am + "/api/am/devportal/v3"
)

var admin = [2]string{"admin", carbontest.AdminPassword}

// options are what a test changes of a world in which all is right.
type options struct {
	isToml, apimToml string
	stores           func(t *testing.T, stores *carbontest.Stores)
	isFiles          func(t *testing.T, files map[string][]byte)
	settings         map[string]string // of API Manager
	faults           string            // of API Manager: a file
}

// world is an Identity Server and an API Manager side by side.
type world struct {
	t      *testing.T
	client *http.Client
	is, am *carbontest.Pod
	token  string // of the administrator, for all portals
	probes int    // throw-away applications so far
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	stores, network := carbontest.Mint(t), carbontest.NewNetwork(t)
	w := &world{t: t, client: network.Client(t, stores.CA.PEM())}
	if o.stores != nil {
		o.stores(t, &stores)
	}
	isFiles := carbontest.ISFiles(t, stores, or(o.isToml, carbontest.ISToml))
	if o.isFiles != nil {
		o.isFiles(t, isFiles)
	}
	settings := map[string]string{
		wso2am.VarPropagation: "20ms", wso2am.VarDeployment: "20ms", wso2am.VarRevocation: "5ms",
	}
	for name, value := range o.settings {
		settings[name] = value
	}
	w.is = carbontest.NewPod(t, network, isFiles, carbontest.Variables(carbontest.ISHome, nil))
	w.am = carbontest.NewPod(t, network, carbontest.APIMFiles(stores, or(o.apimToml, carbontest.APIMToml)),
		carbontest.Variables(carbontest.APIMHome, settings))
	w.am.Env.Faults = o.faults
	network.Name(carbontest.ISService, w.is)
	network.Name(carbontest.APIMService, w.am)
	w.is.Start(t, wso2is.Run)
	w.am.Start(t, wso2am.Run)
	w.checkContract()
	return w
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func (w *world) checkContract() {
	specs := map[string]*contract.Spec{}
	for path, file := range map[string]string{
		"/api/am/admin/v4":     "apim-4.7.0-admin-api.yaml",
		"/api/am/publisher/v4": "apim-4.7.0-publisher-api.yaml",
		"/api/am/devportal/v3": "apim-4.7.0-devportal-api.yaml",
	} {
		spec, err := specOnce(file)
		if errors.Is(err, contract.ErrNoFiles) {
			w.t.Log("answers are not checked against their specifications: ", err)
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		specs[path] = spec
	}
	w.client.Transport = &contract.Transport{
		Base: w.client.Transport, Specs: specs, Report: func(err error) { w.t.Error(err) }, Deviates: deviates,
	}
}

func (w *world) do(method, url string, body any) carbontest.Answer {
	w.t.Helper()
	return carbontest.Do(w.t, w.client, carbontest.Call{Method: method, URL: url, Bearer: w.token, JSON: body})
}

func (w *world) expect(status int, method, url string, body any) carbontest.Answer {
	w.t.Helper()
	return carbontest.Expect(w.t, w.client, status, carbontest.Call{Method: method, URL: url, Bearer: w.token, JSON: body})
}

const allScopes = "apim:admin apim:api_view apim:api_create apim:api_publish apim:api_delete apim:subscribe apim:app_manage apim:sub_manage"

// login registers a client, past the transient failure, and gets a token with the scopes.
func (w *world) login(scopes string) {
	w.t.Helper()
	registration := carbontest.Call{Method: "POST", URL: am + "/client-registration/v0.17/register", Basic: admin, JSON: map[string]any{
		"callbackUrl": "https://localhost", "clientName": "lockstep", "owner": "admin",
		"grantType": "client_credentials password refresh_token", "saasApp": true,
	}}
	var client carbontest.Answer
	carbontest.Eventually(w.t, "the client is registered", func() bool {
		client = carbontest.Do(w.t, w.client, registration)
		return client.Status == 200
	})
	token := carbontest.Expect(w.t, w.client, 200, carbontest.Call{
		Method: "POST", URL: am + "/oauth2/token", Basic: [2]string{client.Text("clientId"), client.Text("clientSecret")},
		Form: url.Values{"grant_type": {"password"}, "username": {admin[0]}, "password": {admin[1]}, "scope": {scopes}},
	})
	w.token = token.Text("access_token")
}

// keyManager is the registration of Identity Server, as it has to be.
func keyManager() map[string]any {
	return map[string]any{
		"name": "WSO2IS7", "displayName": "WSO2 Identity Server 7", "type": "WSO2-IS-7", "enabled": true,
		"wellKnownEndpoint":          is + "/oauth2/token/.well-known/openid-configuration",
		"issuer":                     "https://km.example.test/oauth2/token",
		"clientRegistrationEndpoint": is + "/api/identity/oauth2/dcr/v1.1/register",
		"introspectionEndpoint":      is + "/oauth2/introspect",
		"tokenEndpoint":              is + "/oauth2/token", "displayTokenEndpoint": "https://km.example.test/oauth2/token",
		"revokeEndpoint": is + "/oauth2/revoke", "displayRevokeEndpoint": "https://km.example.test/oauth2/revoke",
		"userInfoEndpoint": is + "/scim2/Me", "authorizeEndpoint": "https://km.example.test/oauth2/authorize",
		"scopeManagementEndpoint": is + "/api/identity/oauth2/v1.0/scopes",
		"certificates":            map[string]any{"type": "JWKS", "value": is + "/oauth2/jwks"},
		"consumerKeyClaim":        "azp", "scopesClaim": "scope",
		"availableGrantTypes":   []string{"client_credentials", "password", "refresh_token", "authorization_code"},
		"enableTokenGeneration": true, "enableOAuthAppCreation": true, "enableMapOAuthConsumerApps": true,
		"enableSelfValidationJWT": true, "tokenType": "DIRECT",
		"additionalProperties": map[string]any{
			"Authentication": "BasicAuth", "Username": "admin", "Password": carbontest.AdminPassword,
			"api_resource_management_endpoint": is + "/api/server/v1/api-resources",
			"is7_roles_endpoint":               is + "/scim2/v2/Roles", "enable_roles_creation": true,
		},
	}
}

func (w *world) registerKeyManager() (id string) {
	w.t.Helper()
	return w.expect(201, "POST", adminAPI+"/key-managers", keyManager()).Text("id")
}

// publish makes, deploys and publishes an API with its backend in API Manager itself.
func (w *world) publish(name string) (id string) {
	w.t.Helper()
	id = w.expect(201, "POST", publisher+"/apis", map[string]any{
		"name": name, "context": "/" + name, "version": "1.0.0", "policies": []string{"Unlimited"},
		"endpointConfig": map[string]any{
			"endpoint_type": "http", "production_endpoints": map[string]any{"url": "https://localhost:9443/services/Version"},
		},
	}).Text("id")
	revision := w.expect(201, "POST", publisher+"/apis/"+id+"/revisions", map[string]any{"description": "first"}).Text("id")
	w.expect(201, "POST", publisher+"/apis/"+id+"/deploy-revision?revisionId="+revision,
		[]any{map[string]any{"name": "Default", "vhost": "gw.example.test", "displayOnDevportal": true}})
	w.expect(200, "POST", publisher+"/apis/change-lifecycle?apiId="+id+"&action=Publish", nil)
	return id
}

func (w *world) application(name string) (id string) {
	w.t.Helper()
	return w.expect(201, "POST", devportal+"/applications",
		map[string]any{"name": name, "throttlingPolicy": "Unlimited", "tokenType": "JWT"}).Text("applicationId")
}

func (w *world) generateKeys(application, keyManager string) carbontest.Answer {
	w.t.Helper()
	return w.do("POST", devportal+"/applications/"+application+"/generate-keys", map[string]any{
		"keyType": "PRODUCTION", "keyManager": keyManager, "grantTypesToBeSupported": []string{"client_credentials"}, "validityTime": "3600",
	})
}

// keys generates keys with throw-away applications until the key manager has propagated, then with one that stays.
func (w *world) keys(keyManager string) (application string, key [2]string) {
	w.t.Helper()
	carbontest.Eventually(w.t, "the key manager has propagated", func() bool { return w.probe(keyManager).Status == 200 })
	application = w.application("app")
	answer := w.generateKeys(application, keyManager)
	if answer.Status != 200 {
		w.t.Fatalf("generate-keys: got %d: %s", answer.Status, answer.Body)
	}
	return application, [2]string{answer.Text("consumerKey"), answer.Text("consumerSecret")}
}

// probe generates keys with an application that is thrown away, as far as its key manager lets it go.
func (w *world) probe(keyManager string) carbontest.Answer {
	w.t.Helper()
	w.probes++
	application := w.application(fmt.Sprintf("probe %d", w.probes))
	answer := w.generateKeys(application, keyManager)
	w.do("DELETE", devportal+"/applications/"+application, nil)
	return answer
}

func (w *world) tokenOf(key [2]string) string {
	w.t.Helper()
	return carbontest.Expect(w.t, w.client, 200, carbontest.Call{
		Method: "POST", URL: is + "/oauth2/token", Basic: key, Form: url.Values{"grant_type": {"client_credentials"}},
	}).Text("access_token")
}

func (w *world) invoke(bearer string) carbontest.Answer {
	w.t.Helper()
	return carbontest.Do(w.t, w.client, carbontest.Call{Method: "GET", URL: gw + "/demo/1.0.0/", Bearer: bearer})
}

func (w *world) revoke(key [2]string, token string) {
	w.t.Helper()
	carbontest.Expect(w.t, w.client, 200, carbontest.Call{
		Method: "POST", URL: is + "/oauth2/revoke", Basic: key, Form: url.Values{"token": {token}},
	})
}
