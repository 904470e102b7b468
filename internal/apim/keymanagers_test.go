package apim_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/rest"
	"lockstep/sandbox/carbon/carbontest"
	"lockstep/sandbox/carbon/contract"
	"lockstep/test/apimtest"
)

func registration() apim.KeyManager {
	env := config.Environment{}
	env.Default()
	return apim.NewKeyManager(env.KeyManager, apim.Registration{Service: "https://is:9443", Public: "https://km.example.com",
		Issuer: "https://km.example.com/oauth2/token", Username: "admin", Password: "password"})
}

func TestAKeyManagerHasEveryFieldOfTheGuideAndThoseThePortalFillsIn(t *testing.T) {
	want := apim.KeyManager{
		"name": "WSO2IS7", "displayName": "WSO2 Identity Server 7", "description": "Registered by Lockstep", "type": "WSO2-IS-7", "enabled": true,
		"wellKnownEndpoint":          "https://is:9443/oauth2/token/.well-known/openid-configuration",
		"issuer":                     "https://km.example.com/oauth2/token",
		"clientRegistrationEndpoint": "https://is:9443/api/identity/oauth2/dcr/v1.1/register",
		"introspectionEndpoint":      "https://is:9443/oauth2/introspect",
		"tokenEndpoint":              "https://is:9443/oauth2/token", "displayTokenEndpoint": "https://km.example.com/oauth2/token",
		"revokeEndpoint": "https://is:9443/oauth2/revoke", "displayRevokeEndpoint": "https://km.example.com/oauth2/revoke",
		"userInfoEndpoint": "https://is:9443/scim2/Me", "authorizeEndpoint": "https://km.example.com/oauth2/authorize",
		"scopeManagementEndpoint": "https://is:9443/api/identity/oauth2/v1.0/scopes",
		"certificates":            map[string]any{"type": "JWKS", "value": "https://is:9443/oauth2/jwks"},
		"consumerKeyClaim":        "azp", "scopesClaim": "scope",
		"availableGrantTypes":   []string{"client_credentials", "password", "refresh_token", "authorization_code"},
		"enableTokenGeneration": true, "enableOAuthAppCreation": true, "enableMapOAuthConsumerApps": true, "enableSelfValidationJWT": true,
		"enableTokenEncryption": false, "enableTokenHashing": false, "tokenType": "DIRECT",
		"additionalProperties": map[string]any{
			"Authentication": "BasicAuth", "Username": "admin", "Password": "password",
			"api_resource_management_endpoint": "https://is:9443/api/server/v1/api-resources",
			"is7_roles_endpoint":               "https://is:9443/scim2/v2/Roles", "enable_roles_creation": true,
		},
	}
	if diff := cmp.Diff(want, registration()); diff != "" {
		t.Errorf("key manager (-want +got):\n%s", diff)
	}
}

// WSO2's own integration tests register Identity Server 7 with this payload.
func TestAKeyManagerIsWhatWSO2sOwnTestsSend(t *testing.T) {
	folder, err := contract.Folder()
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "..", "key-manager-payloads", "wso2is7.json"))
	if err != nil {
		t.Skip(err)
	}
	var theirs map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "https://wso2is:9443", "https://is:9443")), &theirs); err != nil {
		t.Fatal(err)
	}
	delete(theirs["additionalProperties"].(map[string]any), "self_validate_jwt") // the connector ignores it: the switch is enableSelfValidationJWT
	for _, own := range []string{"name", "displayName", "description", "availableGrantTypes"} {
		delete(theirs, own)
	}
	for _, public := range []string{"issuer", "authorizeEndpoint"} { // as users reach Identity Server, which they do by the same host there
		theirs[public] = strings.Replace(theirs[public].(string), "https://is:9443", "https://km.example.com", 1)
	}
	theirs["additionalProperties"].(map[string]any)["Password"] = "password"
	if differing := apim.Differs(registration(), theirs); len(differing) > 0 {
		t.Errorf("differs in %v", differing)
	}
}

func TestDiffersSaysWhatHasToBeChanged(t *testing.T) {
	stored := func(changes map[string]any) apim.KeyManager {
		text, err := json.Marshal(registration())
		if err != nil {
			t.Fatal(err)
		}
		var manager apim.KeyManager
		if err := json.Unmarshal(text, &manager); err != nil {
			t.Fatal(err)
		}
		manager["additionalProperties"].(map[string]any)["Password"] = apim.Masked
		maps.Copy(manager, changes)
		return manager
	}
	wanted := func(changes map[string]any) apim.KeyManager {
		manager := registration()
		maps.Copy(manager, changes)
		return manager
	}
	claims := []any{map[string]any{"remoteClaim": "a", "localClaim": "b"}, map[string]any{"remoteClaim": "c", "localClaim": "d"}}
	for name, c := range map[string]struct {
		stored, wanted apim.KeyManager
		want           []string
	}{
		"a masked secret":                  {stored(nil), registration(), nil},
		"what was read, sent back":         {stored(map[string]any{"claimMapping": claims}), stored(map[string]any{"claimMapping": claims}), nil},
		"fields of the server's own":       {stored(map[string]any{"id": "1", "permissions": map[string]any{"roles": []any{}}}), registration(), nil},
		"grant types in another order":     {stored(map[string]any{"availableGrantTypes": []any{"password", "authorization_code", "refresh_token", "client_credentials"}}), registration(), nil},
		"a grant type less":                {stored(map[string]any{"availableGrantTypes": []any{"password", "refresh_token", "client_credentials"}}), registration(), []string{"availableGrantTypes"}},
		"a grant type more":                {stored(nil), wanted(map[string]any{"availableGrantTypes": []string{"password"}}), []string{"availableGrantTypes"}},
		"a grant type twice":               {stored(map[string]any{"availableGrantTypes": []any{"password", "password"}}), wanted(map[string]any{"availableGrantTypes": []string{"password", "refresh_token"}}), []string{"availableGrantTypes"}},
		"empty and absent":                 {stored(map[string]any{"description": nil}), wanted(map[string]any{"description": "", "alias": "", "claimMapping": []any{}, "permissions": nil}), nil},
		"a switch that is off, and absent": {stored(map[string]any{"enableTokenHashing": nil}), registration(), []string{"enableTokenHashing"}},
		"a switch as text":                 {stored(map[string]any{"enabled": "true"}), registration(), []string{"enabled"}},
		"two fields, in order":             {stored(map[string]any{"tokenEndpoint": "x", "issuer": "y"}), registration(), []string{"issuer", "tokenEndpoint"}},
		"another certificate type":         {stored(map[string]any{"certificates": map[string]any{"type": "PEM", "value": "https://is:9443/oauth2/jwks"}}), registration(), []string{"certificates"}},
		"no connector properties":          {stored(map[string]any{"additionalProperties": nil}), registration(), []string{"additionalProperties"}},
		"a connector property":             {stored(nil), wanted(map[string]any{"additionalProperties": map[string]any{"enable_roles_creation": false}}), []string{"additionalProperties"}},
		"objects in a list":                {stored(map[string]any{"claimMapping": claims}), wanted(map[string]any{"claimMapping": []any{claims[1], map[string]any{"remoteClaim": "a"}}}), nil},
		"other objects in a list":          {stored(map[string]any{"claimMapping": claims}), wanted(map[string]any{"claimMapping": []any{claims[1], claims[1]}}), []string{"claimMapping"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, apim.Differs(c.stored, c.wanted)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARegistrationReadBackIsWhatWasWanted(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c, wanted := context.Background(), w.Client(), apimtest.KeyManager()
	if err := c.CheckConnector(ctx, wanted["additionalProperties"].(map[string]any)); err != nil {
		t.Fatal(err)
	}
	created, err := c.CreateKeyManager(ctx, wanted)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.FindKeyManager(ctx, "WSO2IS7")
	if err != nil {
		t.Fatal(err)
	}
	if found.ID() == "" || found.ID() != created.ID() {
		t.Errorf("found %q, created %q", found.ID(), created.ID())
	}
	if differing := apim.Differs(found, wanted); len(differing) > 0 {
		t.Errorf("what is read back differs in %v", differing)
	}
	wanted["displayName"] = "Another"
	if _, err := c.UpdateKeyManager(ctx, found.ID(), wanted); err != nil {
		t.Fatal(err)
	}
	all, err := c.KeyManagers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(k apim.KeyManager) bool { return k["displayName"] == "Another" && k.Issuer() == wanted.Issuer() }) {
		t.Errorf("the changed one is not among %v", all)
	}
	for range 2 { // the second finds nothing to delete
		if err := c.DeleteKeyManager(ctx, found.ID()); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := c.FindKeyManager(ctx, "WSO2IS7"); err != nil || found != nil {
		t.Errorf("after the deletion: %v, %v", found, err)
	}
}

func TestRefusedRegistrationsKeepAPIManagersCodes(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	w.Register(t, apimtest.KeyManager())
	if _, err := c.CreateKeyManager(ctx, apimtest.KeyManager()); rest.Status(err) != 409 || rest.Code(err) != "901402" {
		t.Errorf("the same name: %v", err)
	}
	incomplete := apimtest.KeyManager()
	incomplete["name"] = "Other"
	delete(incomplete["additionalProperties"].(map[string]any), "is7_roles_endpoint")
	if _, err := c.CreateKeyManager(ctx, incomplete); rest.Status(err) != 400 || rest.Code(err) != "901401" || strings.Contains(err.Error(), carbontest.AdminPassword) {
		t.Errorf("an incomplete one: %v", err)
	}
}

func TestAKeyManagerInUseIsNotDeletedAndTheErrorSaysWhy(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	ctx, c := context.Background(), w.Client()
	manager := w.Register(t, apimtest.KeyManager())
	app, err := c.CreateApplication(ctx, "user's")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.GenerateKeys(ctx, app, manager.ID()); err != nil {
		t.Fatal(err)
	}
	err = c.DeleteKeyManager(ctx, manager.ID())
	if rest.Status(err) != 412 || rest.Code(err) != "902015" || !strings.Contains(err.Error(), "delete those in the portals first") {
		t.Errorf("got %v", err)
	}
}

func TestTheConnectorIsCheckedForPropertiesThatLockstepDoesNotSend(t *testing.T) {
	w := apimtest.Start(t, apimtest.Options{})
	err := w.Client().CheckConnector(context.Background(), map[string]any{"is7_roles_endpoint": "x"})
	if err == nil || !strings.Contains(err.Error(), "api_resource_management_endpoint") || !strings.Contains(err.Error(), "newer Lockstep") {
		t.Errorf("got %v", err)
	}
}
