package wso2is

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"lockstep/sandbox/carbon"
)

// client is an OAuth application.
type client struct {
	ID, Secret, Name, Owner string
	Redirects, Grants       []string
	TokenType               string // JWT or Default
	request                 registration
}

func (c *client) lifetime(application bool) time.Duration {
	seconds := c.request.UserTokenLifetime
	if application {
		seconds = c.request.ApplicationTokenLifetime
	}
	if seconds <= 0 {
		seconds = 3600
	}
	return time.Duration(seconds) * time.Second
}

// registration is what of a registration request has an effect here; registrationShape has the rest.
type registration struct {
	RedirectURIs             []string `json:"redirect_uris"`
	ClientName               string   `json:"client_name"`
	GrantTypes               []string `json:"grant_types"`
	PresetID                 string   `json:"ext_param_client_id"`
	PresetSecret             string   `json:"ext_param_client_secret"`
	TokenType                string   `json:"token_type_extension"`
	Owner                    string   `json:"ext_application_owner"`
	DisplayName              string   `json:"ext_application_display_name"`
	AllowedAudience          string   `json:"ext_allowed_audience"`
	ApplicationTokenLifetime int64    `json:"ext_application_token_lifetime"`
	UserTokenLifetime        int64    `json:"ext_user_token_lifetime"`
}

var texts = carbon.Field{Kind: carbon.List, Items: &carbon.Field{Kind: carbon.Text}}

func registrationShape(required bool) carbon.Shape {
	shape := carbon.Shape{
		"redirect_uris": {Kind: carbon.List, Items: texts.Items, Required: required},
		"client_name":   {Kind: carbon.Text, Required: required},
		"grant_types":   texts, "contacts": texts, "post_logout_redirect_uris": texts, "request_uris": texts,
	}
	for _, name := range []string{
		"client_id", "client_secret", "jwks_uri", "url", "ext_param_client_id", "ext_param_client_secret",
		"ext_param_sp_template", "backchannel_logout_uri", "ext_application_display_name", "token_type_extension",
		"ext_application_owner", "ext_application_version", "ext_token_type", "token_endpoint_auth_method",
		"token_endpoint_auth_signing_alg", "sector_identifier_uri", "id_token_signed_response_alg",
		"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "software_statement",
		"request_object_signing_alg", "tls_client_auth_subject_dn", "subject_type", "request_object_encryption_alg",
		"request_object_encryption_enc", "ext_allowed_audience",
	} {
		shape[name] = carbon.Field{Kind: carbon.Text}
	}
	for _, name := range []string{
		"ext_application_token_lifetime", "ext_user_token_lifetime", "ext_refresh_token_lifetime", "ext_id_token_lifetime",
	} {
		shape[name] = carbon.Field{Kind: carbon.Integer}
	}
	for _, name := range []string{
		"backchannel_logout_session_required", "ext_pkce_mandatory", "ext_pkce_support_plain", "ext_public_client",
		"require_signed_request_object", "require_pushed_authorization_requests", "tls_client_certificate_bound_access_tokens",
	} {
		shape[name] = carbon.Field{Kind: carbon.Flag}
	}
	return shape
}

const registrationPath = "/api/identity/oauth2/dcr/v1.1/register"

func (s *server) registrationRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST "+registrationPath, s.admin(s.register))
	mux.HandleFunc("GET "+registrationPath, s.admin(s.clientByName))
	mux.HandleFunc("GET "+registrationPath+"/{id}", s.admin(s.readClient))
	mux.HandleFunc("PUT "+registrationPath+"/{id}", s.admin(s.updateClient))
	mux.HandleFunc("DELETE "+registrationPath+"/{id}", s.admin(s.deleteClient))
}

func registrationError(w http.ResponseWriter, status int, code, description string) {
	carbon.JSON(w, status, map[string]string{"error": code, "error_description": description, "traceId": carbon.UUID()})
}

func (s *server) register(w http.ResponseWriter, r *http.Request) {
	var request registration
	if err := carbon.Decode(r.Body, registrationShape(true), &request); err != nil {
		registrationError(w, http.StatusBadRequest, "invalid_client_metadata", err.Error())
		return
	}
	if problem := request.problem(); problem != "" {
		registrationError(w, http.StatusBadRequest, problem, "the registration request is not valid")
		return
	}
	made := request.client(s.Admin.Username)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, other := range s.store.clients {
		if other.Name == made.Name || other.ID == made.ID {
			registrationError(w, http.StatusConflict, "invalid_client_metadata",
				fmt.Sprintf("Application with the name %s already exist in the system", made.Name))
			return
		}
	}
	s.store.clients[made.ID] = made
	carbon.JSON(w, http.StatusCreated, made.body())
}

func (r registration) problem() string {
	for _, grant := range r.GrantTypes {
		if !slices.Contains(supportedGrants, grant) && grant != "implicit" {
			return "invalid_client_metadata"
		}
	}
	needsRedirect := slices.Contains(r.GrantTypes, "authorization_code") || slices.Contains(r.GrantTypes, "implicit")
	if needsRedirect && len(r.RedirectURIs) == 0 {
		return "invalid_redirect_uri"
	}
	if r.ClientName == "" {
		return "invalid_client_metadata"
	}
	return ""
}

func (r registration) client(owner string) *client {
	made := &client{
		ID: r.PresetID, Secret: r.PresetSecret, Name: r.ClientName, Owner: owner, Redirects: r.RedirectURIs,
		Grants: r.GrantTypes, TokenType: r.TokenType, request: r,
	}
	if made.ID == "" {
		made.ID = carbon.Secret()
	}
	if made.Secret == "" {
		made.Secret = carbon.Secret()
	}
	if made.TokenType != "JWT" {
		made.TokenType = "Default"
	}
	if made.Redirects == nil {
		made.Redirects = []string{}
	}
	if made.Grants == nil {
		made.Grants = []string{}
	}
	return made
}

func (c *client) body() map[string]any {
	return map[string]any{
		"client_id": c.ID, "client_secret": c.Secret, "client_secret_expires_at": 0, "client_name": c.Name,
		"redirect_uris": c.Redirects, "grant_types": c.Grants, "token_type_extension": c.TokenType,
		"ext_application_owner": c.Owner, "ext_application_display_name": c.request.DisplayName,
		"ext_allowed_audience":           c.request.AllowedAudience,
		"ext_application_token_lifetime": int64(c.lifetime(true).Seconds()),
		"ext_user_token_lifetime":        int64(c.lifetime(false).Seconds()),
	}
}

func (s *server) clientByName(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("client_name")
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, found := range s.store.clients {
		if found.Name == name {
			carbon.JSON(w, http.StatusOK, found.body())
			return
		}
	}
	registrationError(w, http.StatusUnauthorized, "invalid_client_metadata", "Application not available for given client name: "+name)
}

func noClient(w http.ResponseWriter, id string) {
	registrationError(w, http.StatusNotFound, "invalid_client_metadata", "Application not available for given client key: "+id)
}

func (s *server) readClient(w http.ResponseWriter, r *http.Request) {
	found, ok := s.store.client(r.PathValue("id"))
	if !ok {
		noClient(w, r.PathValue("id"))
		return
	}
	carbon.JSON(w, http.StatusOK, found.body())
}

func (s *server) updateClient(w http.ResponseWriter, r *http.Request) {
	var request registration
	if err := carbon.Decode(r.Body, registrationShape(false), &request); err != nil {
		registrationError(w, http.StatusBadRequest, "invalid_client_metadata", err.Error())
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	old, ok := s.store.clients[r.PathValue("id")]
	if !ok {
		noClient(w, r.PathValue("id"))
		return
	}
	if request.ClientName == "" {
		request.ClientName = old.Name
	}
	request.PresetID, request.PresetSecret = old.ID, old.Secret
	s.store.clients[old.ID] = request.client(old.Owner)
	carbon.JSON(w, http.StatusOK, s.store.clients[old.ID].body())
}

func (s *server) deleteClient(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	id := r.PathValue("id")
	if _, ok := s.store.clients[id]; !ok {
		noClient(w, id)
		return
	}
	delete(s.store.clients, id)
	for _, t := range s.store.tokens {
		if t.ClientID == id {
			t.Revoked = true
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
