// Package verify proves that an environment works: not that its pods are ready, but that a token which Identity Server issued
// opens an API at the gateway, and no longer does once it is revoked there.
package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/identity"
	"lockstep/internal/rest"
)

// Prefix begins the names of everything a verification makes in API Manager, so that a later one finds what a killed one left.
const Prefix = "lockstep-verify-"

// How long the products may take to pass on what they know. The gateway loads APIs and revocations asynchronously.
const (
	published = 60 * time.Second
	revoked   = 45 * time.Second
	pollEvery = 500 * time.Millisecond
)

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
	// ID makes the names of this run unique: letters and digits.
	ID string
	// Progress is told what is going on.
	Progress func(string)
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
	clean := a.CleanUp(context.WithoutCancel(ctx))
	if err == nil && clean != nil {
		err = fmt.Errorf("removing what the verification made: %w", clean)
	}
	return result, err
}

// CleanUp removes everything that verifications made: applications first, since APIs with subscriptions stay.
func (a *Arc) CleanUp(ctx context.Context) error {
	a.Progress("removing what verifications made")
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return errors.Join(a.APIManager.DeleteApplications(ctx, Prefix), a.APIManager.DeleteAPIs(ctx, Prefix))
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
	call := apiCall{arc: a, path: "/" + Prefix + a.ID + "/1.0.0/Version"}
	if level == config.VerifyFull {
		if err := call.publish(ctx); err != nil {
			return err
		}
	}
	keys, err := a.application(ctx, manager, &call)
	if err != nil {
		return err
	}
	result.Proved = append(result.Proved, "Identity Server made the application's keys")
	a.Progress("getting a token from Identity Server")
	token, err := a.IdentityServer.Token(ctx, keys.ConsumerKey, keys.ConsumerSecret)
	if err != nil {
		return fmt.Errorf("getting a token from Identity Server: %w", err)
	}
	if err := checkClaims(token, manager.Issuer(), keys.ConsumerKey); err != nil {
		return err
	}
	result.Proved = append(result.Proved, "the token carries the registered issuer and the application's key")
	if level != config.VerifyFull {
		return nil
	}
	return call.answersUntilRevoked(ctx, keys, token, result)
}

func (a *Arc) application(ctx context.Context, manager apim.KeyManager, call *apiCall) (apim.Keys, error) {
	a.Progress("making an application and its keys")
	app, err := a.APIManager.CreateApplication(ctx, Prefix+a.ID)
	if err != nil {
		return apim.Keys{}, err
	}
	if call.api != "" {
		if err := a.APIManager.Subscribe(ctx, app, call.api); err != nil {
			return apim.Keys{}, err
		}
	}
	keys, err := a.APIManager.GenerateKeys(ctx, app, manager.ID())
	if err != nil {
		return apim.Keys{}, fmt.Errorf("%w; API Manager reaches Identity Server at %v: look at its log for the refusal",
			err, manager["clientRegistrationEndpoint"])
	}
	return keys, nil
}

// Broken is a link of the arc that does not hold although both products answer.
type Broken struct{ text string }

func (b *Broken) Error() string { return b.text }

func broken(format string, args ...any) error { return &Broken{fmt.Sprintf(format, args...)} }

// until polls until check is satisfied; the last answer explains a failure.
func until(ctx context.Context, limit time.Duration, check func() (ok bool, state string)) (string, bool) {
	deadline := time.Now().Add(limit)
	for {
		ok, state := check()
		if ok || time.Now().After(deadline) || ctx.Err() != nil {
			return state, ok
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// describe is the answer of the gateway as a person would say it.
func describe(err error) string {
	if err == nil {
		return "200"
	}
	if status := rest.Status(err); status != 0 {
		return fmt.Sprintf("%d %s", status, rest.Code(err))
	}
	return err.Error()
}
