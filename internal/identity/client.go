// Package identity is what Lockstep knows of WSO2 Identity Server: the values of its chart, and the calls to its OAuth endpoints.
package identity

import (
	"context"
	"net/http"
	"net/url"

	"lockstep/internal/failure"
	"lockstep/internal/keystore"
	"lockstep/internal/rest"
)

// Client speaks to Identity Server's OAuth endpoints.
type Client struct {
	rest rest.Client
	auth http.Header // of the super admin
}

// Options say where Identity Server is and as whom to speak to it.
type Options struct {
	Base               string // as https://is-identity-server:9443
	HTTP               *http.Client
	Username, Password string
}

// New makes a client; nothing is connected to before the first call.
func New(o Options) *Client {
	return &Client{
		rest: rest.Client{Base: o.Base, HTTP: o.HTTP, Product: "Identity Server", Untrusted: keystore.Untrusted},
		auth: rest.Basic(o.Username, o.Password),
	}
}

// Discovery is the part of the OpenID Connect discovery document that key managers are registered with.
type Discovery struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

// Discovery reads the discovery document. The issuer in it is what tokens carry: API Manager picks the key manager by it, byte
// for byte.
func (c *Client) Discovery(ctx context.Context) (Discovery, error) {
	var d Discovery
	err := c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: "/oauth2/token/.well-known/openid-configuration"}, &d)
	if err == nil && d.Issuer == "" {
		err = failure.Final(failure.Refused, "Identity Server's discovery document names no issuer: check that this is Identity Server 7")
	}
	return d, err
}

// Health asks the health check API that the chart's readiness probe uses.
func (c *Client) Health(ctx context.Context) error {
	return c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: "/api/health-check/v1.0/health"}, nil)
}

// Authenticates asks for the super admin's own SCIM entry: a refusal means that the password in the Secret is not the server's.
func (c *Client) Authenticates(ctx context.Context) error {
	return c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: "/scim2/Me", Header: c.auth, Login: true}, nil)
}

// Token gets an access token for the client by client_credentials.
func (c *Client) Token(ctx context.Context, key, secret string) (string, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/oauth2/token", Header: rest.Basic(key, secret),
		Body: url.Values{"grant_type": {"client_credentials"}},
	}, &answer)
	return answer.AccessToken, err
}

const registration = "/api/identity/oauth2/dcr/v1.1/register"

// RemoveClient removes the OAuth client of that name; one that is not there is fine.
func (c *Client) RemoveClient(ctx context.Context, name string) error {
	var found struct {
		ID string `json:"client_id"`
	}
	err := c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: registration, Query: url.Values{"client_name": {name}}, Header: c.auth}, &found)
	switch status := rest.Status(err); {
	case status == http.StatusUnauthorized, status == http.StatusNotFound: // so it says that there is none
		return nil
	case err != nil || found.ID == "":
		return err
	}
	err = c.rest.Do(ctx, rest.Request{Method: http.MethodDelete, Path: registration + "/" + found.ID, Header: c.auth}, nil)
	if rest.Status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// Revoke revokes a token of the client.
func (c *Client) Revoke(ctx context.Context, key, secret, token string) error {
	return c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/oauth2/revoke", Header: rest.Basic(key, secret),
		Body: url.Values{"token": {token}, "token_type_hint": {"access_token"}},
	}, nil)
}

// Active asks whether Identity Server still accepts the token.
func (c *Client) Active(ctx context.Context, token string) (bool, error) {
	var answer struct {
		Active bool `json:"active"`
	}
	err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/oauth2/introspect", Header: c.auth, Login: true, Body: url.Values{"token": {token}},
	}, &answer)
	return answer.Active, err
}
