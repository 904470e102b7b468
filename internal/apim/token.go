package apim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

// Scopes that Lockstep asks for: those of key managers, of the publisher and of the developer portal
// (product-apim v4.7.0, Admin, Publisher and DevPortal API definitions).
var scopes = []string{
	"apim:admin", "apim:api_view", "apim:api_create", "apim:api_publish", "apim:api_manage", "apim:api_delete",
	"apim:subscribe", "apim:app_manage", "apim:sub_manage",
}

// call sends an authorised request. A token that is refused has expired or was revoked since: one new one is tried. What is refused
// so was not carried out, so sending it again does no harm.
func (c *Client) call(ctx context.Context, r rest.Request, answer any) error {
	token, err := c.accessToken(ctx, "")
	if err != nil {
		return err
	}
	r.Header = rest.Bearer(token)
	err = c.rest.Do(ctx, r, answer)
	if rest.Status(err) != http.StatusUnauthorized {
		return err
	}
	if token, err = c.accessToken(ctx, token); err != nil {
		return err
	}
	r.Header = rest.Bearer(token)
	return c.rest.Do(ctx, r, answer)
}

// accessToken is the token that is kept, or a new one if that is the refused one.
func (c *Client) accessToken(ctx context.Context, refused string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token != refused {
		return c.token, nil
	}
	id, secret, err := c.register(ctx)
	if err != nil {
		return "", err
	}
	token, err := c.grant(ctx, id, secret)
	if err != nil {
		return "", fmt.Errorf("getting a token of API Manager: %w", err)
	}
	c.token = token
	return token, nil
}

func (c *Client) grant(ctx context.Context, id, secret string) (string, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
		Scope       string `json:"scope"`
	}
	err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/oauth2/token", Header: rest.Basic(id, secret), Login: true,
		Body: url.Values{"grant_type": {"password"}, "username": {c.username}, "password": {c.password}, "scope": {strings.Join(scopes, " ")}},
	}, &answer)
	if code := rest.Code(err); code == "invalid_client" || code == "unauthorized_client" {
		return "", &failure.Error{Kind: failure.Conflict, Cause: fmt.Errorf("%w: somebody else's client has the name %q", rest.Refusal(err), c.clientName),
			Next: "delete that service provider in API Manager's /carbon console"}
	}
	if err != nil {
		return "", err
	}
	granted := strings.Fields(answer.Scope)
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			return "", failure.Final(failure.Refused, "user %q was not granted scope %s: give it the admin role", c.username, scope)
		}
	}
	if answer.AccessToken == "" {
		return "", failure.Transient(failure.Unavailable, "the answer holds no token: check that this is API Manager 4.7")
	}
	return answer.AccessToken, nil
}

// register gets the client id and secret of Lockstep's own OAuth client: a new one the first time, the same again later. API Manager
// may answer 500 shortly after it became ready; the caller retries.
func (c *Client) register(ctx context.Context) (id, secret string, err error) {
	var answer struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
	}
	err = c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: "/client-registration/v0.17/register", Header: rest.Basic(c.username, c.password), Login: true,
		Body: map[string]any{
			"callbackUrl": "https://localhost", "clientName": c.clientName, "owner": c.username,
			"grantType": "client_credentials password refresh_token", "saasApp": true,
		},
	}, &answer)
	if err == nil && (answer.ClientID == "" || answer.ClientSecret == "") {
		err = failure.Transient(failure.Unavailable, "the answer holds no client: check that this is API Manager 4.7")
	}
	if err != nil {
		return "", "", fmt.Errorf("registering Lockstep's client with API Manager: %w", err)
	}
	return answer.ClientID, answer.ClientSecret, nil
}
