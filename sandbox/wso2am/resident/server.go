// Package resident is the key manager in API Manager itself: clients and tokens of the portals, and of applications that
// ask it for keys.
package resident

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

// Server is the resident key manager of one API Manager.
type Server struct {
	*carbon.Server
	issuer       string
	failures     int64 // first client registrations that fail
	revoked      func(jti string, until time.Time)
	oauth        *oauth
	registration atomic.Int64 // registration requests so far
}

// New is a resident key manager without clients. Its first registrations fail, as many as failures says, and revoked is
// called with each token that a client revokes.
func New(base *carbon.Server, issuer string, failures int64, revoked func(jti string, until time.Time)) *Server {
	return &Server{Server: base, issuer: issuer, failures: failures, revoked: revoked, oauth: newOAuth()}
}

// Upsert returns the client of that name, made if it was not there.
func (s *Server) Upsert(name, owner string, grants []string) Client {
	return s.oauth.upsert(name, owner, grants)
}

// Delete deletes a client.
func (s *Server) Delete(id string) { s.oauth.delete(id) }

// Routes serves client registration and OAuth.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /client-registration/v0.17/register", s.register)
	mux.HandleFunc("POST /oauth2/token", s.Token)
	mux.HandleFunc("POST /oauth2/revoke", s.Revoke)
	mux.HandleFunc("POST /oauth2/introspect", s.introspect)
	mux.HandleFunc("GET /oauth2/jwks", func(w http.ResponseWriter, _ *http.Request) {
		carbon.JSON(w, http.StatusOK, s.Signer.JWKS())
	})
}

var clientName = regexp.MustCompile(`^[\sa-zA-Z0-9._-]*$`)

// register upserts a client by name and owner. The first requests after the start fail, as they can in reality.
func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	if !s.Admin.Sent(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 API Manager"`)
		rest.Fail(w, &rest.Unauthenticated)
		return
	}
	if s.registration.Add(1) <= s.failures {
		rest.Fail(w, rest.InternalError.Because("Dynamic Client Registration Service not available"))
		return
	}
	var body struct{ CallbackURL, ClientName, Owner, GrantType string }
	if err := carbon.Decode(r.Body, carbon.Shape{
		"callbackUrl": {Kind: carbon.Text}, "clientName": {Kind: carbon.Text, Required: true, Min: 1, Pattern: clientName},
		"owner": {Kind: carbon.Text, Required: true}, "grantType": {Kind: carbon.Text, Required: true},
		"saasApp": {Kind: carbon.Flag}, "tokenScope": {Kind: carbon.Text}, "tokenType": {Kind: carbon.Text},
	}, &body); err != nil {
		rest.FailBody(w, err)
		return
	}
	if body.Owner != s.Admin.Username {
		rest.Fail(w, rest.BadRequest.Because("Logged in user and application owner should be same"))
		return
	}
	client := s.oauth.upsert(body.ClientName, body.Owner, strings.Fields(body.GrantType))
	attributes, _ := json.Marshal(map[string]string{
		"grant_types": body.GrantType, "redirect_uris": body.CallbackURL, "client_name": body.ClientName,
	})
	carbon.JSON(w, http.StatusOK, map[string]any{
		"clientId": client.ID, "clientSecret": client.Secret, "clientName": client.Name, "callBackURL": body.CallbackURL,
		"isSaasApplication": true, "appOwner": client.Owner, "jsonString": string(attributes), "jsonAppAttribute": "{}",
		"applicationUUID": nil, "tokenType": "DEFAULT",
	})
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 API Manager"`)
	}
	carbon.JSON(w, status, map[string]string{"error": code, "error_description": description})
}

// form parses the form and authenticates the client of an OAuth request.
func (s *Server) form(w http.ResponseWriter, r *http.Request) (Client, bool) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(media) != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "the body must be application/x-www-form-urlencoded")
		return Client{}, false
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	client, known := s.oauth.authenticate(id, secret)
	if !known {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "A valid OAuth client could not be found for client_id: "+id)
		return Client{}, false
	}
	return client, true
}

// Token issues a token.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) {
	client, ok := s.form(w, r)
	if !ok {
		return
	}
	grant := r.PostForm.Get("grant_type")
	switch {
	case grant != "client_credentials" && grant != "password" && grant != "refresh_token":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type value (simulated): "+grant)
		return
	case !slices.Contains(client.Grants, grant):
		oauthError(w, http.StatusBadRequest, "unauthorized_client",
			"The authenticated client is not authorized to use this authorization grant type")
		return
	}
	made := token{ClientID: client.ID, User: client.Owner, Scopes: grantable(r.PostForm.Get("scope"), grant == "password")}
	switch grant {
	case "password":
		made.User = r.PostForm.Get("username")
		if !s.Admin.Is(made.User, r.PostForm.Get("password")) {
			oauthError(w, http.StatusBadRequest, "invalid_grant", "Authentication failed for "+made.User)
			return
		}
		made.Refresh = carbon.UUID()
	case "refresh_token":
		old, ok := s.oauth.revoke(r.PostForm.Get("refresh_token"), client.ID)
		if !ok {
			oauthError(w, http.StatusBadRequest, "invalid_grant", "Persisted access token data not found")
			return
		}
		made.User, made.Scopes, made.Refresh = old.User, old.Scopes, carbon.UUID()
	}
	s.issue(w, made)
}

const tokenLifetime = time.Hour

func (s *Server) issue(w http.ResponseWriter, token token) {
	token.JTI, token.Issued = carbon.UUID(), time.Now()
	token.Expires = token.Issued.Add(tokenLifetime)
	scope := strings.Join(token.Scopes, " ")
	access, err := s.Signer.Sign(map[string]any{
		"iss": s.issuer, "sub": token.User, "aud": token.ClientID, "azp": token.ClientID, "client_id": token.ClientID,
		"jti": token.JTI, "iat": token.Issued.Unix(), "exp": token.Expires.Unix(), "scope": scope,
	})
	if err != nil {
		oauthError(w, http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	token.Access = access
	s.oauth.keep(token)
	body := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(tokenLifetime.Seconds()), "scope": scope,
	}
	if token.Refresh != "" {
		body["refresh_token"] = token.Refresh
	}
	carbon.JSON(w, http.StatusOK, body)
}

// Revoke revokes a token of the client that asks.
func (s *Server) Revoke(w http.ResponseWriter, r *http.Request) {
	client, ok := s.form(w, r)
	if !ok {
		return
	}
	if token, ok := s.oauth.revoke(r.PostForm.Get("token"), client.ID); ok {
		s.revoked(token.JTI, token.Expires)
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	if !s.Admin.Sent(r) || r.ParseForm() != nil {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "Unauthorized")
		return
	}
	token, ok := s.oauth.active(r.PostForm.Get("token"))
	if !ok {
		carbon.JSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	carbon.JSON(w, http.StatusOK, map[string]any{
		"active": true, "client_id": token.ClientID, "username": token.User, "scope": strings.Join(token.Scopes, " "),
		"iat": token.Issued.Unix(), "exp": token.Expires.Unix(),
	})
}
