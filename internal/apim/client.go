package apim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"lockstep/internal/rest"
)

// Scopes that Lockstep asks for: those of key managers, of the publisher and of the developer portal
// (product-apim v4.7.0, Admin, Publisher and DevPortal API definitions).
var scopes = []string{
	"apim:admin", "apim:api_view", "apim:api_create", "apim:api_publish", "apim:api_manage", "apim:api_delete",
	"apim:subscribe", "apim:app_manage", "apim:sub_manage",
}

// Client speaks to API Manager's REST APIs as the super admin. It registers itself and gets a token when it is first needed.
type Client struct {
	rest               rest.Client
	username, password string
	clientName         string

	mu    sync.Mutex
	token string
}

// Options say where API Manager is and as whom to speak to it.
type Options struct {
	Base               string // as https://apim-wso2am-all-in-one-am-service:9443
	HTTP               *http.Client
	Username, Password string
	// ClientName of Lockstep's own OAuth client; registering it again gives the same client. Letters, digits, space, ._- only.
	ClientName string
}

// New makes a client; nothing is connected to before the first call.
func New(o Options) *Client {
	return &Client{
		rest:     rest.Client{Base: o.Base, HTTP: o.HTTP, Product: "API Manager"},
		username: o.Username, password: o.Password, clientName: o.ClientName,
	}
}

// Healthy asks what the chart's readiness probe asks.
func (c *Client) Healthy(ctx context.Context) error {
	return c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: "/api/am/gateway/v2/server-startup-healthcheck"}, nil)
}

// call sends an authorised request.
func (c *Client) call(ctx context.Context, r rest.Request, answer any) error {
	token, err := c.accessToken(ctx)
	if err != nil {
		return err
	}
	r.Header = rest.Bearer(token)
	return c.rest.Do(ctx, r, answer)
}

func (c *Client) accessToken(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != "" {
		return c.token, nil
	}
	id, secret, err := c.register(ctx)
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	err = c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/oauth2/token", Header: rest.Basic(id, secret),
		Body: url.Values{"grant_type": {"password"}, "username": {c.username}, "password": {c.password}, "scope": {strings.Join(scopes, " ")}},
	}, &answer)
	if err != nil {
		return "", fmt.Errorf("getting a token of API Manager: %w", err)
	}
	for _, scope := range scopes {
		if !strings.Contains(" "+answer.Scope+" ", " "+scope+" ") {
			return "", fmt.Errorf("getting a token of API Manager: user %q was not granted scope %s: give it the admin role", c.username, scope)
		}
	}
	c.token = answer.AccessToken
	return c.token, nil
}

// register gets the client id and secret of Lockstep's own OAuth client. API Manager may answer 500 shortly after it became
// ready; the caller retries.
func (c *Client) register(ctx context.Context) (id, secret string, err error) {
	var answer struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
	}
	err = c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/client-registration/v0.17/register", Header: rest.Basic(c.username, c.password),
		Body: map[string]any{
			"callbackUrl": "https://localhost", "clientName": c.clientName, "owner": c.username,
			"grantType": "client_credentials password refresh_token", "saasApp": true,
		},
	}, &answer)
	if err != nil {
		return "", "", fmt.Errorf("registering Lockstep's client with API Manager: %w", err)
	}
	return answer.ClientID, answer.ClientSecret, nil
}
