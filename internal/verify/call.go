package verify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"lockstep/internal/apim"
	"lockstep/internal/rest"
)

// backend is API Manager's own version page, as its gateway reaches it: a backend that is always there.
const backend = "http://localhost:9763/services"

// apiCall is the API of a verification and the call to it.
type apiCall struct {
	arc  *Arc
	api  string // its id in the publisher
	path string
}

func (c *apiCall) publish(ctx context.Context) (err error) {
	c.arc.Progress("publishing an API")
	name := Prefix + c.arc.ID
	c.api, err = c.arc.APIManager.PublishAPI(ctx, apim.API{
		Name: name, Context: "/" + name, Version: "1.0.0", Backend: backend, Resource: "/Version", VHost: c.arc.VHost,
	})
	return err
}

// answersUntilRevoked is the end of the arc: the gateway answers to the token, Identity Server revokes it, the gateway refuses it. Only
// the refusal proves that handler JAR, event listener, header, trust and credentials are all right: a notification that fails is
// logged nowhere.
func (c *apiCall) answersUntilRevoked(ctx context.Context, keys apim.Keys, token string, result *Result) error {
	a := c.arc
	a.Progress("calling the API until the gateway answers")
	state, ok := until(ctx, published, func() (bool, string) {
		err := c.invoke(ctx, token)
		return err == nil, describe(err)
	})
	if !ok {
		return broken("the gateway does not let a valid token of Identity Server through: %s%s answers %s after %s; "+
			"look at the key manager's certificates and issuer, and at API Manager's log", a.GatewayURL, c.path, state, published)
	}
	result.Proved = append(result.Proved, "an API answers to the token through the public gateway")
	a.Progress("revoking the token")
	if err := a.IdentityServer.Revoke(ctx, keys.ConsumerKey, keys.ConsumerSecret, token); err != nil {
		return err
	}
	if active, err := a.IdentityServer.Active(ctx, token); err != nil || active {
		return broken("Identity Server still calls the revoked token active (%v): look at its log", err)
	}
	a.Progress("calling the API until the gateway refuses")
	state, ok = until(ctx, revoked, func() (bool, string) {
		err := c.invoke(ctx, token)
		return rest.Status(err) == http.StatusUnauthorized, describe(err)
	})
	if !ok {
		return broken("the gateway still lets the revoked token through (%s after %s), so Identity Server's notification does not arrive: check that the handler JAR is in "+
			"the image's repository/components/dropins, that the [[event_listener]] in deployment.toml has type "+
			"org.wso2.carbon.identity.core.handler.AbstractIdentityHandler and header X-WSO2-KEY-MANAGER WSO2-IS, and that its notification_endpoint is in API Manager's certificate",
			state, revoked)
	}
	result.Proved = append(result.Proved, "the gateway refuses the token once Identity Server revoked it")
	return nil
}

func (c *apiCall) invoke(ctx context.Context, token string) error {
	gateway := rest.Client{Base: c.arc.GatewayURL, HTTP: c.arc.Gateway, Product: "the gateway"}
	return gateway.Do(ctx, rest.Request{Method: http.MethodGet, Path: c.path, Header: rest.Bearer(token)}, nil)
}

// checkClaims reads the token without verifying it: the gateway does that.
func checkClaims(token, issuer, key string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return broken("Identity Server issued an opaque token instead of a JWT: set the application's access token type to JWT")
	}
	var claims struct {
		Issuer string `json:"iss"`
		AZP    string `json:"azp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return broken("Identity Server's token cannot be read as a JWT")
	}
	if claims.Issuer != issuer {
		return broken("the token carries issuer %q, the key manager is registered with %q: API Manager will not find it; run `lockstep deploy`", claims.Issuer, issuer)
	}
	if claims.AZP != key {
		return broken("the token's azp claim is %q and not the application's key: set the key manager's consumer key claim", claims.AZP)
	}
	return nil
}
