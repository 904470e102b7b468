package wso2am_test

import (
	"strings"
	"testing"

	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/wso2am"
)

// with changes a key manager: a nil value removes the field; additionalProperties.x is a connector property.
func with(changes map[string]any) map[string]any {
	km := keyManager()
	for key, value := range changes {
		target := km
		if property, ok := strings.CutPrefix(key, "additionalProperties."); ok {
			target, key = km["additionalProperties"].(map[string]any), property
		}
		if target[key] = value; value == nil {
			delete(target, key)
		}
	}
	return km
}

func TestKeyManagersAreRefusedWithTheirCodes(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	w.registerKeyManager()
	tests := []struct {
		name   string
		body   map[string]any
		status int
		code   float64
	}{
		{"the same name", with(nil), 409, 901402},
		{"no name", with(map[string]any{"name": nil}), 400, 400},
		{"an empty name", with(map[string]any{"name": ""}), 400, 901404},
		{"an unknown type", with(map[string]any{"name": "a", "type": "WSO2IS"}), 400, 901400},
		{"no resource endpoint", with(map[string]any{"name": "a", "additionalProperties.api_resource_management_endpoint": nil}), 400, 901401},
		{"no roles endpoint", with(map[string]any{"name": "a", "additionalProperties.is7_roles_endpoint": nil}), 400, 901401},
		{"an empty password", with(map[string]any{"name": "a", "additionalProperties.Password": ""}), 400, 901401},
		{"no password", with(map[string]any{"name": "a", "additionalProperties.Password": nil}), 500, 900967},
		{"mutual TLS without a user", with(map[string]any{"name": "a", "additionalProperties.Authentication": "MutualTLS",
			"additionalProperties.MutualTLSOptions": "ServerWide"}), 400, 901401},
		{"an unknown field", with(map[string]any{"name": "a", "roleCreation": true}), 400, 400},
		{"a switch as text", with(map[string]any{"name": "a", "enabled": "true"}), 400, 400},
		{"a wrong certificate type", with(map[string]any{"name": "a", "certificates": map[string]any{"type": "URL", "value": "x"}}), 400, 400},
		{"a long name", with(map[string]any{"name": strings.Repeat("a", 101)}), 400, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := w.do("POST", adminAPI+"/key-managers", test.body)
			if answer.Status != test.status || answer.JSON["code"] != test.code {
				t.Errorf("got %d %s, want %d with code %.0f", answer.Status, answer.Body, test.status, test.code)
			}
		})
	}
	w.expect(404, "GET", adminAPI+"/key-managers/unknown", nil)
}

func TestSecretsAreMaskedAndKeptWhenSentBackMasked(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	id := w.registerKeyManager()
	one := adminAPI + "/key-managers/" + id
	read := w.expect(200, "GET", one, nil)
	if got := read.JSON["additionalProperties"].(map[string]any)["Password"]; got != "*****" {
		t.Fatalf("the password is shown as %v", got)
	}
	w.expect(200, "PUT", one, read.JSON)
	w.keys(id) // which needs the real password

	w.expect(200, "PUT", one, with(map[string]any{"additionalProperties.Password": "wrong"}))
	carbontest.Eventually(t, "the wrong password is used", func() bool {
		answer := w.probe(id)
		return answer.Status == 500 && answer.JSON["code"] == 900967.0
	})
	w.expect(400, "PUT", one, with(map[string]any{"name": "Renamed"}))
}

func TestKeysGeneratedBeforePropagationLeakAMapping(t *testing.T) {
	w := newWorld(t, options{settings: map[string]string{wso2am.VarPropagation: "300ms"}})
	w.login(allScopes)
	km := w.registerKeyManager()
	early := w.application("early")
	if answer := w.generateKeys(early, km); answer.Status != 400 || answer.JSON["code"] != 901403.0 {
		t.Fatalf("at once: got %d: %s", answer.Status, answer.Body)
	}
	w.keys(km)
	if answer := w.generateKeys(early, km); answer.Status != 409 || answer.JSON["code"] != 901409.0 {
		t.Errorf("after the propagation: got %d: %s", answer.Status, answer.Body)
	}
	list := w.expect(200, "GET", devportal+"/applications/"+early+"/oauth-keys", nil)
	if list.JSON["count"] != 0.0 {
		t.Errorf("the leaked mapping shows: %s", list.Body)
	}
	w.expect(200, "DELETE", devportal+"/applications/"+early, nil)
}

func TestKeyManagersThatCannotGenerateKeysSaySo(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	tests := []struct {
		name    string
		changes map[string]any
		status  int
		code    float64
	}{
		{"disabled", map[string]any{"name": "a", "enabled": false}, 400, 901406},
		{"enableOAuthAppCreation not sent", map[string]any{"name": "b", "enableOAuthAppCreation": nil}, 400, 901405},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id := w.expect(201, "POST", adminAPI+"/key-managers", with(test.changes)).Text("id")
			answer := w.generateKeys(w.application(test.name), id)
			if answer.Status != test.status || answer.JSON["code"] != test.code {
				t.Errorf("got %d %s, want %d with code %.0f", answer.Status, answer.Body, test.status, test.code)
			}
		})
	}
}

func TestATokenOfAnotherIssuerIsRefused(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	id := w.expect(201, "POST", adminAPI+"/key-managers", with(map[string]any{"issuer": "https://km.example.test:443/oauth2/token"})).Text("id")
	api := w.publish("demo")
	application, key := w.keys(id)
	w.expect(201, "POST", devportal+"/subscriptions", map[string]any{"applicationId": application, "apiId": api, "throttlingPolicy": "Unlimited"})
	carbontest.Eventually(t, "the API is on the gateway", func() bool { return w.invoke("").Status != 404 })
	wantCode(t, w.invoke(w.tokenOf(key)), 401, "900901")
}

func TestAPIManagerThatDoesNotTrustIdentityServerGeneratesNoKeys(t *testing.T) {
	w := newWorld(t, options{stores: func(t *testing.T, stores *carbontest.Stores) {
		trustAPIM(t, stores, carbontest.NewCA(t, "Only its own"))
	}})
	w.login(allScopes)
	km := w.registerKeyManager()
	carbontest.Eventually(t, "the handshake fails", func() bool {
		w.probe(km)
		return w.am.Log.Contains("PKIX path building failed")
	})
}

func trustAPIM(t *testing.T, stores *carbontest.Stores, ca *carbontest.CA) {
	t.Helper()
	stores.APIM["client-truststore.jks"] = carbontest.JKSTrust(t, ca.Certificate)
}

func TestAnUnreachableKeyManagerFailsOperationsOnAPIs(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	km := w.registerKeyManager()
	w.keys(km)
	w.is.Stop(t)
	body := map[string]any{"name": "late", "context": "/late", "version": "1"}
	if answer := w.do("POST", publisher+"/apis", body); answer.Status != 500 || answer.JSON["code"] != 900967.0 {
		t.Errorf("got %d: %s", answer.Status, answer.Body)
	}
	w.expect(200, "PUT", adminAPI+"/key-managers/"+km, with(map[string]any{"enabled": false, "additionalProperties.Password": "*****"}))
	carbontest.Eventually(t, "the key manager is disabled", func() bool { return w.do("POST", publisher+"/apis", body).Status == 201 })
}

func TestScopesOfAnAPIMakeRolesInIdentityServer(t *testing.T) {
	w := newWorld(t, options{})
	w.login(allScopes)
	w.keys(w.registerKeyManager())
	w.expect(201, "POST", publisher+"/apis", map[string]any{
		"name": "scoped", "context": "/scoped", "version": "1",
		"scopes": []any{map[string]any{"scope": map[string]any{"name": "read", "bindings": []string{"reader", "Internal/subscriber"}}}},
	})
	roles := carbontest.Expect(t, w.client, 200, carbontest.Call{Method: "GET", URL: is + "/scim2/v2/Roles", Basic: admin})
	for _, name := range []string{`"displayName":"system_primary_reader"`, `"displayName":"subscriber"`} {
		if !strings.Contains(string(roles.Body), name) {
			t.Errorf("no %s in %s", name, roles.Body)
		}
	}
}
