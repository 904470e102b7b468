package wso2is_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/carbon/contract"
	"lockstep/sandbox/wso2is"
)

const base = "https://is-identity-server:9443"

var admin = [2]string{"admin", carbontest.AdminPassword}

// startIS starts Identity Server and returns a client that checks its answers against the OpenAPI files.
func startIS(t *testing.T, toml string) *http.Client {
	t.Helper()
	stores, network := carbontest.Mint(t), carbontest.NewNetwork(t)
	pod := carbontest.NewPod(t, network, carbontest.ISFiles(t, stores, toml), carbontest.Variables(carbontest.ISHome, nil))
	network.Name(carbontest.ISService, pod)
	client := network.Client(t, stores.CA.PEM())
	pod.Start(t, wso2is.Run)
	checkContract(t, client)
	return client
}

func checkContract(t *testing.T, client *http.Client) {
	t.Helper()
	specs := map[string]*contract.Spec{}
	for path, file := range map[string]string{
		"/api/identity/oauth2/dcr/v1.1": "is-dcr-v1.1-openapi.yaml",
		"/api/server/v1":                "is-api-resources-openapi.yaml",
		"/api/identity/oauth2/v1.0":     "is-oauth2-scopes-openapi.yaml",
	} {
		spec, err := contract.Load(file)
		if errors.Is(err, contract.ErrNoFiles) {
			t.Log("answers are not checked against their specifications: ", err)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		specs[path] = spec
	}
	client.Transport = &contract.Transport{Base: client.Transport, Specs: specs, Report: func(err error) { t.Error(err) }}
}

func register(t *testing.T, client *http.Client, body map[string]any) carbontest.Answer {
	t.Helper()
	return carbontest.Do(t, client, carbontest.Call{
		Method: "POST", URL: base + "/api/identity/oauth2/dcr/v1.1/register", Basic: admin, JSON: body,
	})
}

func TestTheWellKnownDocumentNamesThePublicHostWithoutPort443(t *testing.T) {
	client := startIS(t, carbontest.ISToml)
	document := carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: base + "/oauth2/token/.well-known/openid-configuration"})
	if got := document.Text("issuer"); got != "https://km.example.test/oauth2/token" {
		t.Errorf("issuer is %q", got)
	}
}

func TestTheIssuerKeepsAnyOtherPortAndIsLowerCase(t *testing.T) {
	toml := strings.NewReplacer("proxyPort = 443", "proxyPort = 8443", "km.example", "KM.Example").Replace(carbontest.ISToml)
	client := startIS(t, toml)
	document := carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: base + "/oauth2/token/.well-known/openid-configuration"})
	if got := document.Text("issuer"); got != "https://km.example.test:8443/oauth2/token" {
		t.Errorf("issuer is %q", got)
	}
}

func TestAClientLivesFromRegistrationToDeletion(t *testing.T) {
	client := startIS(t, carbontest.ISToml)
	made := register(t, client, map[string]any{
		"client_name": "app", "redirect_uris": []string{}, "grant_types": []string{"client_credentials", "password"}, "token_type_extension": "JWT",
	})
	if made.Status != 201 {
		t.Fatalf("got %d: %s", made.Status, made.Body)
	}
	if again := register(t, client, map[string]any{"client_name": "app", "redirect_uris": []string{}}); again.Status != 409 {
		t.Errorf("the same name again: got %d, want 409", again.Status)
	}
	one := base + "/api/identity/oauth2/dcr/v1.1/register/" + made.Text("client_id")
	carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: one, Basic: admin})
	carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: base + "/api/identity/oauth2/dcr/v1.1/register?client_name=app", Basic: admin})

	token := carbontest.Expect(t, client, 200, carbontest.Call{
		Method: "POST", URL: base + "/oauth2/token", Basic: [2]string{made.Text("client_id"), made.Text("client_secret")},
		Form: url.Values{"grant_type": {"client_credentials"}, "scope": {"read write"}},
	})
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token.Text("access_token"), claims); err != nil {
		t.Fatal(err)
	}
	if claims["iss"] != "https://km.example.test/oauth2/token" || claims["azp"] != made.Text("client_id") || claims["scope"] != "read write" {
		t.Errorf("claims are %v", claims)
	}
	introspect := carbontest.Call{
		Method: "POST", URL: base + "/oauth2/introspect", Basic: admin, Form: url.Values{"token": {token.Text("access_token")}},
	}
	if active := carbontest.Expect(t, client, 200, introspect); active.JSON["active"] != true {
		t.Errorf("the token is not active: %s", active.Body)
	}
	carbontest.Expect(t, client, 204, carbontest.Call{Method: "DELETE", URL: one, Basic: admin})
	if active := carbontest.Expect(t, client, 200, introspect); active.JSON["active"] != false {
		t.Errorf("the token outlives its client: %s", active.Body)
	}
	carbontest.Expect(t, client, 404, carbontest.Call{Method: "DELETE", URL: one, Basic: admin})
}

func TestRequestsThatAreNotRightAreRefused(t *testing.T) {
	client := startIS(t, carbontest.ISToml)
	made := register(t, client, map[string]any{"client_name": "cc", "redirect_uris": []string{}, "grant_types": []string{"client_credentials"}})
	credentials := [2]string{made.Text("client_id"), made.Text("client_secret")}
	dcr := base + "/api/identity/oauth2/dcr/v1.1/register"
	tests := []struct {
		name string
		call carbontest.Call
		want int
	}{
		{"registration without credentials", carbontest.Call{Method: "POST", URL: dcr, JSON: map[string]any{}}, 401},
		{"registration with a wrong password", carbontest.Call{Method: "POST", URL: dcr, Basic: [2]string{"admin", "no"}}, 401},
		{"registration without a name", carbontest.Call{Method: "POST", URL: dcr, Basic: admin, JSON: map[string]any{"redirect_uris": []string{}}}, 400},
		{"registration with a field that is not there", carbontest.Call{Method: "POST", URL: dcr, Basic: admin,
			JSON: map[string]any{"redirect_uris": []string{}, "client_name": "x", "clientName": "x"}}, 400},
		{"authorization_code without a redirect", carbontest.Call{Method: "POST", URL: dcr, Basic: admin,
			JSON: map[string]any{"redirect_uris": []string{}, "client_name": "x", "grant_types": []string{"authorization_code"}}}, 400},
		{"token for a wrong secret", carbontest.Call{Method: "POST", URL: base + "/oauth2/token", Basic: [2]string{credentials[0], "no"},
			Form: url.Values{"grant_type": {"client_credentials"}}}, 401},
		{"a grant the client has not", carbontest.Call{Method: "POST", URL: base + "/oauth2/token", Basic: credentials,
			Form: url.Values{"grant_type": {"password"}, "username": {"admin"}, "password": {carbontest.AdminPassword}}}, 400},
		{"a token request in JSON", carbontest.Call{Method: "POST", URL: base + "/oauth2/token", Basic: credentials, JSON: map[string]any{}}, 400},
		{"introspection by a client", carbontest.Call{Method: "POST", URL: base + "/oauth2/introspect", Basic: credentials, Form: url.Values{}}, 401},
		{"api-resources without a name", carbontest.Call{Method: "POST", URL: base + "/api/server/v1/api-resources", Basic: admin,
			JSON: map[string]any{"identifier": "x"}}, 400},
		{"no such path", carbontest.Call{Method: "GET", URL: base + "/t/foo/oauth2/jwks"}, 404},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := carbontest.Do(t, client, test.call); got.Status != test.want {
				t.Errorf("got %d, want %d: %s", got.Status, test.want, got.Body)
			}
		})
	}
}

func TestWithoutAuthorizeAllScopesAskedScopesAreDropped(t *testing.T) {
	client := startIS(t, strings.Replace(carbontest.ISToml, "authorize_all_scopes = true", "", 1))
	made := register(t, client, map[string]any{"client_name": "cc", "redirect_uris": []string{}, "grant_types": []string{"client_credentials"}})
	token := carbontest.Expect(t, client, 200, carbontest.Call{
		Method: "POST", URL: base + "/oauth2/token", Basic: [2]string{made.Text("client_id"), made.Text("client_secret")},
		Form: url.Values{"grant_type": {"client_credentials"}, "scope": {"read"}},
	})
	if scope, there := token.JSON["scope"]; there {
		t.Errorf("granted %v", scope)
	}
}

func TestRolesWithTheReservedPrefixNeedTheSetting(t *testing.T) {
	role := carbontest.Call{Method: "POST", URL: base + "/scim2/v2/Roles", Basic: admin, JSON: map[string]any{"displayName": "system_primary_a"}}
	client := startIS(t, carbontest.ISToml)
	carbontest.Expect(t, client, 201, role)
	found := carbontest.Expect(t, client, 200, carbontest.Call{
		Method: "GET", URL: base + "/scim2/v2/Roles?filter=" + url.QueryEscape("displayName eq system_primary_a"), Basic: admin,
	})
	if found.JSON["totalResults"] != 1.0 {
		t.Errorf("the role is not found: %s", found.Body)
	}
	client = startIS(t, strings.Replace(carbontest.ISToml, "allow_system_prefix_for_role = true", "", 1))
	carbontest.Expect(t, client, 400, role)
}

func TestMeIsOpenToTokensOnlyByAccessControl(t *testing.T) {
	me := func(t *testing.T, toml string) int {
		client := startIS(t, toml)
		made := register(t, client, map[string]any{"client_name": "pw", "redirect_uris": []string{}, "grant_types": []string{"password"}, "token_type_extension": "JWT"})
		token := carbontest.Expect(t, client, 200, carbontest.Call{
			Method: "POST", URL: base + "/oauth2/token", Basic: [2]string{made.Text("client_id"), made.Text("client_secret")},
			Form: url.Values{"grant_type": {"password"}, "username": {"admin"}, "password": {carbontest.AdminPassword}},
		})
		return carbontest.Do(t, client, carbontest.Call{Method: "GET", URL: base + "/scim2/Me", Bearer: token.Text("access_token")}).Status
	}
	if got := me(t, carbontest.ISToml); got != 200 {
		t.Errorf("with the access control: got %d, want 200", got)
	}
	if got := me(t, strings.Replace(carbontest.ISToml, "(.*)/scim2/Me", "(.*)/other", 1)); got != 403 {
		t.Errorf("without: got %d, want 403", got)
	}
}

func TestApiResourcesAndScopesAreKept(t *testing.T) {
	client := startIS(t, carbontest.ISToml)
	resources := base + "/api/server/v1/api-resources"
	made := carbontest.Expect(t, client, 200, carbontest.Call{Method: "POST", URL: resources, Basic: admin, JSON: map[string]any{
		"identifier": "User-defined-oauth2-resource", "name": "n", "scopes": []any{map[string]any{"name": "a"}},
	}})
	carbontest.Expect(t, client, 204, carbontest.Call{Method: "PATCH", URL: resources + "/" + made.Text("id"), Basic: admin,
		JSON: map[string]any{"addedScopes": []any{map[string]any{"name": "b"}}}})
	list := carbontest.Expect(t, client, 200, carbontest.Call{
		Method: "GET", URL: resources + "?filter=" + url.QueryEscape("identifier eq User-defined-oauth2-resource"), Basic: admin,
	})
	if list.JSON["totalResults"] != 1.0 {
		t.Errorf("the resource is not found: %s", list.Body)
	}
	scopes := carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: resources + "/" + made.Text("id") + "/scopes", Basic: admin})
	if text := string(scopes.Body); !strings.Contains(text, `"name":"a"`) || !strings.Contains(text, `"name":"b"`) {
		t.Errorf("scopes are %s", text)
	}
	carbontest.Expect(t, client, 204, carbontest.Call{Method: "DELETE", URL: resources + "/" + made.Text("id"), Basic: admin})

	legacy := base + "/api/identity/oauth2/v1.0/scopes"
	carbontest.Expect(t, client, 201, carbontest.Call{Method: "POST", URL: legacy, Basic: admin, JSON: map[string]any{"name": "s", "displayName": "S"}})
	carbontest.Expect(t, client, 200, carbontest.Call{Method: "GET", URL: legacy, Basic: admin})
	carbontest.Expect(t, client, 204, carbontest.Call{Method: "DELETE", URL: legacy + "/name/s", Basic: admin})
}
