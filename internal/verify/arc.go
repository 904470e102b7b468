// Package verify proves that an environment works: not that its pods are ready, but that a token which Identity Server issued
// opens an API at the gateway, and no longer does once it is revoked there.
package verify

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/failure"
	"lockstep/internal/identity"
	"lockstep/internal/rest"
)

// Prefix begins the names of everything a verification makes in API Manager, so that a later one finds what a killed one left.
const Prefix = "lockstep-verify-"

// cleanUpLimit bounds a clean-up, which goes on when the verification was cancelled.
const cleanUpLimit = time.Minute

// Arc is one verification.
type Arc struct {
	APIManager     *apim.Client
	IdentityServer *identity.Client
	// Gateway reaches API calls as users do: through the public listener.
	Gateway *http.Client
	// GatewayURL is the public base of API calls, as https://gw.example.com.
	GatewayURL string
	// VHost is the host of API Manager's gateway environment.
	VHost string
	// KeyManager names the registration.
	KeyManager string
	// ID makes the names of this attempt its own: letters and digits. None may be the beginning of another.
	ID string
	// Progress is told what is going on.
	Progress func(string)
	// Waits may be left zero.
	Waits Waits

	app, api string // what this run made, by id: lists may lag behind
}

// Result is what was proved.
type Result struct {
	Proved []string
}

// Run proves what level asks for and removes what it made, whatever the outcome. The error names the first link that does not
// hold and what to look at.
func (a *Arc) Run(ctx context.Context, level config.VerifyLevel) (Result, error) {
	result := Result{}
	if level == config.VerifyNone {
		return result, nil
	}
	manager, err := a.health(ctx, &result)
	if err != nil || level == config.VerifyHealth {
		return result, err
	}
	if err := a.CleanUp(ctx); err != nil {
		return result, fmt.Errorf("removing what an earlier verification left: %w", err)
	}
	err = a.prove(ctx, level, manager, &result)
	clean := a.removeOwn
	if err == nil && ctx.Err() == nil { // otherwise another attempt may be at work by now
		clean = a.CleanUp
	}
	switch clean := clean(context.WithoutCancel(ctx)); {
	case err == nil && clean != nil:
		err = fmt.Errorf("removing what the verification made: %w", clean)
	case clean != nil:
		err = fmt.Errorf("%w; what the verification made is still there (%v): the next one removes it", err, clean)
	}
	return result, err
}

// CleanUp removes everything that verifications made, other runs' too: no other may be at work.
func (a *Arc) CleanUp(ctx context.Context) error { return a.remove(ctx, Prefix) }

// removeOwn removes what this attempt made. What it made last is found by name: an answer that was cut off holds no id.
func (a *Arc) removeOwn(ctx context.Context) error { return a.remove(ctx, Prefix+a.ID) }

// remove removes applications first, since APIs with subscriptions stay. Removing an application removes its client in Identity Server.
func (a *Arc) remove(ctx context.Context, prefix string) error {
	a.Progress("removing what verifications made")
	ctx, cancel := context.WithTimeout(ctx, cleanUpLimit)
	defer cancel()
	if a.app != "" {
		if err := a.APIManager.DeleteApplication(ctx, a.app); err != nil {
			return err
		}
	}
	if a.api != "" {
		if err := a.APIManager.DeleteAPI(ctx, a.api); err != nil {
			return err
		}
	}
	a.app, a.api = "", ""
	return failure.Join(a.APIManager.DeleteApplications(ctx, prefix), a.APIManager.DeleteAPIs(ctx, prefix))
}

func (a *Arc) health(ctx context.Context, result *Result) (apim.KeyManager, error) {
	a.Progress("asking both products for their health")
	if err := a.IdentityServer.Health(ctx); err != nil {
		return nil, err
	}
	if err := a.APIManager.Healthy(ctx); err != nil {
		return nil, err
	}
	discovery, err := a.IdentityServer.Discovery(ctx)
	if err != nil {
		return nil, err
	}
	manager, err := a.APIManager.FindKeyManager(ctx, a.KeyManager)
	if err != nil {
		return nil, err
	}
	switch {
	case manager == nil:
		return nil, broken("key manager %q is not registered in API Manager: run `lockstep deploy`", a.KeyManager)
	case manager["enabled"] != true:
		return nil, broken("key manager %q is disabled: enable it in the Admin portal or run `lockstep deploy`", a.KeyManager)
	case manager.Issuer() != discovery.Issuer:
		return nil, broken("key manager %q is registered with issuer %q, but Identity Server's tokens carry %q: run `lockstep deploy`",
			a.KeyManager, manager.Issuer(), discovery.Issuer)
	}
	result.Proved = append(result.Proved, "both products are healthy", "the key manager is registered with Identity Server's issuer")
	return manager, nil
}

// prove needs an application with keys; full goes on to the API.
func (a *Arc) prove(ctx context.Context, level config.VerifyLevel, manager apim.KeyManager, result *Result) error {
	if level == config.VerifyFull {
		if err := a.publish(ctx); err != nil {
			return err
		}
	}
	keys, err := a.application(ctx, manager)
	if err != nil {
		return err
	}
	result.Proved = append(result.Proved, "Identity Server made the application's keys")
	token, err := a.token(ctx, manager, keys)
	if err != nil {
		return err
	}
	result.Proved = append(result.Proved, "the token carries the registered issuer and the application's key")
	if level != config.VerifyFull {
		return nil
	}
	return a.answersUntilRevoked(ctx, keys, token, result)
}

func (a *Arc) application(ctx context.Context, manager apim.KeyManager) (keys apim.Keys, err error) {
	a.Progress("making an application and its keys")
	if a.app, err = a.APIManager.CreateApplication(ctx, Prefix+a.ID); err != nil {
		return apim.Keys{}, err
	}
	if a.api != "" {
		if err := a.APIManager.Subscribe(ctx, a.app, a.api); err != nil {
			return apim.Keys{}, err
		}
	}
	keys, err = a.APIManager.GenerateKeys(ctx, a.app, manager.ID())
	if refusal := rest.Refusal(err); refusal != nil {
		return apim.Keys{}, &failure.Error{Kind: failure.KindOf(err), Retryable: failure.IsRetryable(err), Doing: "generating keys", Cause: refusal,
			Next: fmt.Sprintf("API Manager makes keys at %v: look at its log for Identity Server's refusal", manager["clientRegistrationEndpoint"])}
	}
	return keys, err
}

func (a *Arc) token(ctx context.Context, manager apim.KeyManager, keys apim.Keys) (string, error) {
	a.Progress("getting a token from Identity Server")
	token, err := a.IdentityServer.Token(ctx, keys.ConsumerKey, keys.ConsumerSecret)
	switch rest.Status(err) {
	case http.StatusBadRequest, http.StatusUnauthorized:
		return "", broken("Identity Server does not accept the client that API Manager had made for the application (%v): check that the key manager's "+
			"client registration endpoint %v is this Identity Server", err, manager["clientRegistrationEndpoint"])
	}
	if err != nil {
		return "", fmt.Errorf("getting a token from Identity Server: %w", err)
	}
	return token, checkClaims(token, manager.Issuer(), keys.ConsumerKey)
}
