package verify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"lockstep/internal/apim"
	"lockstep/internal/rest"
)

// The API's backend is API Manager's own version page, as its gateway reaches it: one that is always there.
const (
	backend  = "http://localhost:9763/services"
	resource = "/Version"
)

func (a *Arc) publish(ctx context.Context) (err error) {
	a.Progress("publishing an API")
	name := Prefix + a.ID
	a.api, err = a.APIManager.PublishAPI(ctx, apim.API{
		Name: name, Context: "/" + name, Version: "1.0.0", Backend: backend, Resource: resource, VHost: a.VHost,
	})
	return err
}

// answersUntilRevoked is the end of the arc: the gateway answers to the token, Identity Server revokes it, the gateway refuses it. Only
// the refusal proves that handler JAR, event listener, header, trust and credentials are all right: a notification that fails is
// logged nowhere.
func (a *Arc) answersUntilRevoked(ctx context.Context, keys apim.Keys, token string, result *Result) error {
	if err := a.answers(ctx, token); err != nil {
		return err
	}
	result.Proved = append(result.Proved, "an API answers to the token through the public gateway")
	if err := a.revoke(ctx, keys, token); err != nil {
		return err
	}
	if err := a.refuses(ctx, token); err != nil {
		return err
	}
	result.Proved = append(result.Proved, "the gateway refuses the token once Identity Server revoked it")
	return nil
}

func (a *Arc) answers(ctx context.Context, token string) error {
	a.Progress("calling the API until the gateway answers")
	limit := a.Waits.orDefault().Published
	state, ok, err := a.until(ctx, limit, func() (bool, string) {
		err := a.invoke(ctx, token)
		return err == nil, describe(err)
	})
	if err != nil || ok {
		return err
	}
	return broken("the gateway does not let a valid token of Identity Server through: %s%s answers %s after %s; "+
		"look at the key manager's certificates and issuer, and at API Manager's log", a.GatewayURL, a.path(), state, limit)
}

func (a *Arc) revoke(ctx context.Context, keys apim.Keys, token string) error {
	a.Progress("revoking the token")
	if err := a.IdentityServer.Revoke(ctx, keys.ConsumerKey, keys.ConsumerSecret, token); err != nil {
		return fmt.Errorf("revoking the token: %w", err)
	}
	active, err := a.IdentityServer.Active(ctx, token)
	if err != nil {
		return fmt.Errorf("asking Identity Server for the revoked token: %w", err)
	}
	if active {
		return broken("Identity Server accepted the revocation but still calls the token active: look at its log")
	}
	return nil
}

func (a *Arc) refuses(ctx context.Context, token string) error {
	a.Progress("calling the API until the gateway refuses")
	limit := a.Waits.orDefault().Revoked
	state, ok, err := a.until(ctx, limit, func() (bool, string) {
		err := a.invoke(ctx, token)
		return rest.Status(err) == http.StatusUnauthorized, describe(err)
	})
	if err != nil || ok {
		return err
	}
	if state != answered {
		return broken("after the revocation the gateway neither lets the token through nor refuses it: %s%s answers %s after %s; look at API Manager's log",
			a.GatewayURL, a.path(), state, limit)
	}
	return broken("the gateway still lets the revoked token through (%s after %s), so Identity Server's notification does not arrive: check that the handler JAR is in "+
		"the image's repository/components/dropins, that the [[event_listener]] in deployment.toml has type "+
		"org.wso2.carbon.identity.core.handler.AbstractIdentityHandler and header X-WSO2-KEY-MANAGER WSO2-IS, and that its notification_endpoint is in API Manager's certificate",
		state, limit)
}

func (a *Arc) path() string { return "/" + Prefix + a.ID + "/1.0.0" + resource }

func (a *Arc) invoke(ctx context.Context, token string) error {
	gateway := rest.Client{Base: a.GatewayURL, HTTP: a.Gateway, Product: "the gateway"}
	return gateway.Do(ctx, rest.Request{Method: http.MethodGet, Path: a.path(), Header: rest.Bearer(token)}, nil)
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
