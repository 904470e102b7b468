package wso2is

import (
	"net/http"

	"lockstep/sandbox/carbon"
)

func (s *server) discoveryRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /oauth2/token/.well-known/openid-configuration", s.wellKnown)
	mux.HandleFunc("GET /oauth2/jwks", func(w http.ResponseWriter, _ *http.Request) {
		carbon.JSON(w, http.StatusOK, s.Signer.JWKS())
	})
	mux.HandleFunc("GET /api/health-check/v1.0/health", func(w http.ResponseWriter, _ *http.Request) {
		carbon.JSON(w, http.StatusOK, map[string]any{"health": []any{}})
	})
}

// wellKnown names the public host everywhere, also to those who came by the Service.
func (s *server) wellKnown(w http.ResponseWriter, _ *http.Request) {
	carbon.JSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.issuer(),
		"authorization_endpoint":                s.public + "/oauth2/authorize",
		"token_endpoint":                        s.public + "/oauth2/token",
		"jwks_uri":                              s.public + "/oauth2/jwks",
		"userinfo_endpoint":                     s.public + "/oauth2/userinfo",
		"introspection_endpoint":                s.public + "/oauth2/introspect",
		"revocation_endpoint":                   s.public + "/oauth2/revoke",
		"registration_endpoint":                 s.public + "/api/identity/oauth2/dcr/v1.1/register",
		"end_session_endpoint":                  s.public + "/oidc/logout",
		"grant_types_supported":                 supportedGrants,
		"response_types_supported":              []string{"code", "none"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"scopes_supported":                      []string{"openid", "profile", "email", "internal_login"},
	})
}
