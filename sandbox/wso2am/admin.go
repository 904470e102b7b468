package wso2am

import (
	"encoding/json"
	"io"
	"net/http"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/keymanager"
	"lockstep/sandbox/wso2am/resident"
	"lockstep/sandbox/wso2am/rest"
)

// Scopes that open an endpoint: any of them.
var (
	adminSettingsScopes = []string{"apim:admin", "apim:admin_settings"}
	publisherSettings   = []string{"apim:api_view", "apim:publisher_settings"}
)

func (s *server) adminRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+adminPath+"/settings", s.resident.Scoped(adminSettingsScopes, s.adminSettings))
	mux.HandleFunc("GET "+publisherPath+"/settings", s.resident.Scoped(publisherSettings, s.publisherSettings))
}

// adminSettings lists the connectors, from which a client reads the exact names of their properties.
func (s *server) adminSettings(w http.ResponseWriter, _ *http.Request) {
	property := func(name, label, kind string, required, masked bool, values ...any) map[string]any {
		if values == nil {
			values = []any{}
		}
		return map[string]any{
			"name": name, "label": label, "type": kind, "required": required, "mask": masked, "multiple": false, "values": values,
		}
	}
	basic := property("BasicAuth", "Basic Authentication", "labelOnly", false, false,
		property("Username", "Username", "input", true, false), property("Password", "Password", "input", true, true))
	mutual := property("MutualTLS", "MTLS Authentication", "labelOnly", false, false,
		property("IdentityUser", "Identity Username", "input", true, false),
		property("MutualTLSOptions", "Select a Certificate Type", "options", true, false))
	carbon.JSON(w, http.StatusOK, map[string]any{
		"scopes": resident.PortalScopes, "gatewayTypes": []string{"Regular"}, "analyticsEnabled": false,
		"keyManagerConfiguration": []any{map[string]any{
			"type": keymanager.TypeIS7, "displayName": "WSO2 Identity Server 7", "defaultConsumerKeyClaim": "azp",
			"defaultScopesClaim": "scope", "configurations": []any{
				property("api_resource_management_endpoint", "WSO2 Identity Server 7 API Resource Management Endpoint", "input", true, false),
				property("is7_roles_endpoint", "WSO2 Identity Server 7 Roles Endpoint", "input", true, false),
				property("enable_roles_creation", "Create roles in WSO2 Identity Server 7", "checkbox", false, false),
				property("user_schema_cache_enabled", "Enable User Schema Caching", "checkbox", false, false),
				property("Authentication", "Authentication Type", "dropdown", true, false, basic, mutual),
			},
		}},
	})
}

func (s *server) publisherSettings(w http.ResponseWriter, _ *http.Request) {
	environments := []any{}
	for _, one := range s.environments {
		environments = append(environments, map[string]any{
			"id": one.name, "name": one.name, "displayName": one.name, "type": "hybrid", "provider": "wso2",
			"serverUrl": "https://localhost:9443/services/", "showInApiConsole": true,
			"vhosts": []any{map[string]any{"host": one.vhost, "httpPort": 80, "httpsPort": 443}},
		})
	}
	carbon.JSON(w, http.StatusOK, map[string]any{
		"environment": environments, "gatewayTypes": []string{"Regular"}, "scopes": resident.PortalScopes,
		"devportalUrl": s.Config.String("apim.devportal.url", ""), "authorizationHeader": "Authorization",
	})
}

const maxDiscovery = 1 << 20

// discover reads a well-known document from this pod. What it makes of it is not fit for the WSO2-IS-7 connector: the
// wrong user info endpoint, and neither scope management nor connector properties.
func (s *server) discover(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseMultipartForm(maxDiscovery); err != nil {
		rest.FailBody(w, err)
		return
	}
	document, err := s.readWellKnown(r)
	if err != nil {
		carbon.JSON(w, http.StatusOK, map[string]any{"valid": false})
		return
	}
	found := keymanager.New()
	found.Name, found.Type, found.Enabled = "discovered", r.FormValue("type"), true
	found.EnableTokenGeneration, found.EnableMapOAuthConsumerApps, found.EnableOAuthAppCreation = true, true, true
	found.Issuer, found.TokenEndpoint = document["issuer"], document["token_endpoint"]
	found.RevokeEndpoint, found.IntrospectionEndpoint = document["revocation_endpoint"], document["introspection_endpoint"]
	found.AuthorizeEndpoint, found.UserInfoEndpoint = document["authorization_endpoint"], document["userinfo_endpoint"]
	found.ClientRegistrationEndpoint = document["registration_endpoint"]
	found.Certificates = &keymanager.Certificates{Type: "JWKS", Value: document["jwks_uri"]}
	carbon.JSON(w, http.StatusOK, map[string]any{"valid": true, "value": found})
}

func (s *server) readWellKnown(r *http.Request) (map[string]string, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
	if err != nil {
		return nil, err
	}
	response, err := s.keyManagers.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	all := map[string]any{}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDiscovery)).Decode(&all); err != nil {
		return nil, err
	}
	document := map[string]string{}
	for key, value := range all {
		document[key], _ = value.(string)
	}
	return document, nil
}
