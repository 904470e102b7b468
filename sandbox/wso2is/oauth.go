package wso2is

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep/sandbox/carbon"
)

var supportedGrants = []string{
	"client_credentials", "password", "refresh_token", "authorization_code",
	"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:jwt-bearer",
	"urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
	"iwa:ntlm", "account_switch", "organization_switch",
}

func (s *server) oauthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /oauth2/token", s.token)
	mux.HandleFunc("POST /oauth2/revoke", s.revoke)
	mux.HandleFunc("POST /oauth2/introspect", s.admin(s.introspect))
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="is.com"`)
	}
	carbon.JSON(w, status, map[string]string{"error": code, "error_description": description})
}

// form parses a form and nothing else: parameters in the URL do not count.
func form(w http.ResponseWriter, r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(media) != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "the body must be application/x-www-form-urlencoded")
		return false
	}
	return true
}

// authenticate finds the client by HTTP Basic, or by client_id and client_secret of the form.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request) (*client, bool) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	found, known := s.store.client(id)
	if !known || found.Secret != secret {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "A valid OAuth client could not be found for client_id: "+id)
		return nil, false
	}
	return found, true
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	grant := r.PostForm.Get("grant_type")
	if grant == "" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "Missing grant_type parameter value")
		return
	}
	asking, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	switch {
	case grant != "client_credentials" && grant != "password" && grant != "refresh_token":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant_type value (simulated): "+grant)
	case !slices.Contains(asking.Grants, grant):
		oauthError(w, http.StatusBadRequest, "unauthorized_client",
			"The authenticated client is not authorized to use this authorization grant type")
	default:
		s.grant(w, r, asking, grant)
	}
}

func (s *server) grant(w http.ResponseWriter, r *http.Request, asking *client, grant string) {
	t := &token{ClientID: asking.ID, User: asking.Owner, Application: true, Scope: s.granted(r.PostForm.Get("scope"))}
	switch grant {
	case "password":
		username := r.PostForm.Get("username")
		if !s.Admin.Is(username, r.PostForm.Get("password")) {
			oauthError(w, http.StatusBadRequest, "invalid_grant", "Authentication failed for "+username)
			return
		}
		t.User, t.Application = username, false
	case "refresh_token":
		old, ok := s.store.revoke(r.PostForm.Get("refresh_token"), asking.ID)
		if !ok {
			oauthError(w, http.StatusBadRequest, "invalid_grant", "Persisted access token data not found")
			return
		}
		s.notifier.revoked(old) // the handler tells of the token a renewal replaces, too
		t.User, t.Application, t.Scope = old.User, old.Application, old.Scope
	}
	if grant != "client_credentials" {
		t.Refresh = carbon.UUID()
	}
	if err := s.issue(t, asking); err != nil {
		oauthError(w, http.StatusInternalServerError, "server_error", err.Error())
		return
	}
	s.store.keep(t)
	w.Header().Set("Cache-Control", "no-store")
	carbon.JSON(w, http.StatusOK, tokenResponse(t))
}

// granted are the scopes a token gets of those asked for. Without oauth.authorize_all_scopes an application gets only
// what it is authorized for, which is nothing for one that API Manager made; the others are dropped without a word.
func (s *server) granted(asked string) string {
	var scopes []string
	for _, scope := range strings.Fields(asked) {
		if s.options.authorizeAllScopes || scope == "openid" {
			scopes = append(scopes, scope)
		}
	}
	return strings.Join(scopes, " ")
}

// issue fills in the token itself: a JWT if the client was registered for that, else an opaque one.
func (s *server) issue(t *token, asking *client) error {
	t.Issued = time.Now()
	t.Expires = t.Issued.Add(asking.lifetime(t.Application))
	t.TokenType = asking.TokenType
	if asking.TokenType != "JWT" {
		t.Access = carbon.UUID()
		t.JTI = t.Access
		return nil
	}
	t.JTI = carbon.UUID()
	claims := map[string]any{
		"iss": s.issuer(), "sub": t.User, "aud": t.ClientID, "azp": t.ClientID, "client_id": t.ClientID,
		"jti": t.JTI, "iat": t.Issued.Unix(), "nbf": t.Issued.Unix(), "exp": t.Expires.Unix(), "aut": "APPLICATION_USER",
	}
	if t.Application {
		claims["sub"], claims["aut"] = t.ClientID, "APPLICATION"
	}
	if t.Scope != "" {
		claims["scope"] = t.Scope
	}
	var err error
	t.Access, err = s.Signer.Sign(claims)
	return err
}

func tokenResponse(t *token) map[string]any {
	body := map[string]any{
		"access_token": t.Access, "token_type": "Bearer", "expires_in": int(t.Expires.Sub(t.Issued).Seconds()),
	}
	if t.Scope != "" {
		body["scope"] = t.Scope
	}
	if t.Refresh != "" {
		body["refresh_token"] = t.Refresh
	}
	return body
}

// revoke answers 200 whether there was such a token or not (RFC 7009).
func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	asking, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	value := r.PostForm.Get("token")
	if value == "" {
		oauthError(w, http.StatusBadRequest, "invalid_request", "Invalid revocation request: token is missing")
		return
	}
	if t, ok := s.store.revoke(value, asking.ID); ok {
		s.notifier.revoked(t)
	}
	w.WriteHeader(http.StatusOK)
}

func (s *server) introspect(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	t, ok := s.store.activeToken(r.PostForm.Get("token"))
	if !ok {
		carbon.JSON(w, http.StatusOK, map[string]any{"active": false})
		return
	}
	aut := "APPLICATION_USER"
	if t.Application {
		aut = "APPLICATION"
	}
	carbon.JSON(w, http.StatusOK, map[string]any{
		"active": true, "client_id": t.ClientID, "scope": t.Scope, "token_type": "Bearer", "username": t.User, "aut": aut,
		"iat": t.Issued.Unix(), "nbf": t.Issued.Unix(), "exp": t.Expires.Unix(), "iss": s.issuer(), "jti": t.JTI,
	})
}
