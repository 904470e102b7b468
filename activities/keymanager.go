package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/identity"
	"lockstep/internal/rest"
	"lockstep/internal/verify"
)

// KeyManager is the registered key manager.
type KeyManager struct {
	ID      string `json:"id"`
	Issuer  string `json:"issuer"`
	Summary string `json:"summary"`
}

// KeyManagerState is the key manager as it was, secrets masked by API Manager.
type KeyManagerState struct {
	Exists  bool            `json:"exists"`
	Manager apim.KeyManager `json:"manager,omitempty"`
}

// UndoKeyManagerInput says what to go back to.
type UndoKeyManagerInput struct {
	Input
	Before KeyManagerState `json:"before"`
}

// LookKeyManager reads the key manager of the environment's name.
func (a *Activities) LookKeyManager(ctx context.Context, in Input) (KeyManagerState, error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return KeyManagerState{}, err
	}
	defer p.close()
	manager, err := p.apim.FindKeyManager(ctx, in.Env.KeyManager.Name)
	return KeyManagerState{Exists: manager != nil, Manager: manager}, p.classify(ctx, err)
}

// RegisterKeyManager registers Identity Server with API Manager, or mends the registration, and waits until it can be used:
// API Manager answers 201 before its own components know the key manager.
func (a *Activities) RegisterKeyManager(ctx context.Context, in Input) (KeyManager, error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return KeyManager{}, err
	}
	defer p.close()
	progress := progress(ctx)
	progress("reading Identity Server's issuer")
	discovery, err := p.identity.Discovery(ctx)
	if err != nil {
		return KeyManager{}, p.classify(ctx, err)
	}
	if err := p.identity.Authenticates(ctx); err != nil {
		return KeyManager{}, p.classify(ctx, err)
	}
	wanted := wantedKeyManager(in.Env, discovery.Issuer, p.admin)
	progress("registering key manager " + in.Env.KeyManager.Name)
	stored, note, err := upsert(ctx, p.apim, wanted)
	if err != nil {
		return KeyManager{}, p.classify(ctx, err)
	}
	if err := p.apim.DeleteApplications(ctx, probePrefix); err != nil { // an attempt that crashed left its own
		return KeyManager{}, p.classify(ctx, err)
	}
	probe := prober{apim: p.apim, classify: p.classify, manager: stored, name: probePrefix + attemptID(ctx, in.Scope)}
	if note == unchanged {
		// The stored password is masked, and an earlier attempt may have ended before the key manager was known: only keys can tell.
		if probe.once(ctx) == nil {
			return KeyManager{ID: stored.ID(), Issuer: discovery.Issuer, Summary: note}, nil
		}
		note = "registered again, as it could not generate keys"
		if _, err := p.apim.UpdateKeyManager(ctx, stored.ID(), wanted); err != nil {
			return KeyManager{}, p.classify(ctx, err)
		}
	}
	if err := probe.untilKnown(ctx, progress); err != nil {
		return KeyManager{}, err
	}
	return KeyManager{ID: stored.ID(), Issuer: discovery.Issuer, Summary: note}, nil
}

func wantedKeyManager(env config.Environment, issuer, password string) apim.KeyManager {
	return apim.NewKeyManager(env.KeyManager, apim.Registration{
		Service: "https://" + identity.Service(env) + ":9443", Public: "https://" + env.Hostnames.KeyManager,
		Issuer: issuer, Username: env.Credentials.AdminUsername, Password: password,
	})
}

const (
	unchanged   = "unchanged"
	probePrefix = verify.Prefix + "probe-"
)

// upsert looks by name, since the API has no other way to be idempotent, and refuses an issuer that another key manager has: API
// Manager would pick either.
func upsert(ctx context.Context, c *apim.Client, wanted apim.KeyManager) (stored apim.KeyManager, note string, err error) {
	managers, err := c.KeyManagers(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, manager := range managers {
		if manager.Name() == wanted.Name() {
			stored = manager
		} else if manager.Issuer() == wanted.Issuer() {
			return nil, "", failure(TypeConflict, fmt.Sprintf("key manager %q has the issuer %q already, and API Manager picks key managers by issuer: "+
				"delete it in the Admin portal, or set keyManager.name to its name", manager.Name(), wanted.Issuer()))
		}
	}
	if stored == nil {
		properties, _ := wanted["additionalProperties"].(map[string]any)
		if err := c.CheckConnector(ctx, properties); err != nil {
			return nil, "", err
		}
		created, err := c.CreateKeyManager(ctx, wanted)
		if rest.Status(err) != http.StatusConflict {
			return created, "registered", err
		}
		found, lookErr := c.FindKeyManager(ctx, wanted.Name()) // somebody else was faster
		if lookErr != nil || found == nil {
			return nil, "", errors.Join(err, lookErr)
		}
		stored = found
	}
	if kind := stored["type"]; kind != wanted["type"] {
		return nil, "", failure(TypeConflict, fmt.Sprintf("key manager %q is there already and of type %v, which cannot be changed to %v: "+
			"delete it in the Admin portal, or give keyManager.name another name", wanted.Name(), kind, wanted["type"]))
	}
	differing := apim.Differs(stored, wanted)
	if len(differing) == 0 {
		return stored, unchanged, nil
	}
	stored, err = c.UpdateKeyManager(ctx, stored.ID(), wanted)
	return stored, "updated " + strings.Join(differing, ", "), err
}

// prober generates keys with throw-away applications. Each failed attempt leaves a key mapping behind in its application, so each
// attempt gets a new one and removes it.
type prober struct {
	apim     *apim.Client
	classify func(context.Context, error) error
	manager  apim.KeyManager
	name     string // of the applications, before a number
	attempts int
}

// refusals is how often in a row API Manager may refuse keys for good, for another reason than that it does not know the key
// manager yet: its components learn of it one after the other.
const refusals = 5

// untilKnown tries until API Manager knows the key manager where it is used. It ends early when it is refused for good, or when
// a product cannot come back.
func (p *prober) untilKnown(ctx context.Context, progress func(string)) error {
	progress("waiting until API Manager knows the key manager")
	var last error // an attempt that runs out of time does not say why
	for refused := 0; ; {
		err := p.once(ctx)
		if err == nil {
			return nil
		}
		var app *temporal.ApplicationError
		switch final := errors.As(p.classify(ctx, err), &app) && app.NonRetryable(); {
		case !final || rest.Code(err) == notRegistered:
			refused = 0
		case app.Type() == TypeNotReady:
			return app
		default:
			if refused++; refused >= refusals {
				return p.unusable(app.Type(), err)
			}
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		progress(fmt.Sprintf("attempt %d to generate keys: %v", p.attempts, err))
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return p.unusable(TypeNotReady, last)
		case <-time.After(time.Second):
		}
	}
}

func (p *prober) unusable(kind string, why error) error {
	return failure(kind, fmt.Sprintf("key manager %q is registered but cannot generate keys: %v. Next: look at API Manager's log, "+
		"and whether its pods reach %v", p.manager.Name(), why, p.manager["clientRegistrationEndpoint"]))
}

// notRegistered is API Manager's code for a key manager that is stored but not yet known where it is used (carbon-apimgt,
// ExceptionCodes).
const notRegistered = "901403"

// untilHeardOf tries until API Manager knows the key manager, whether or not that can generate keys: in the middle of an Undo,
// Identity Server may not be back yet.
func (p *prober) untilHeardOf(ctx context.Context, progress func(string)) error {
	progress("waiting until API Manager knows the key manager again")
	for rest.Code(p.once(ctx)) == notRegistered {
		select {
		case <-ctx.Done():
			return p.unheardOf(ctx.Err())
		case <-time.After(time.Second):
		}
	}
	return p.unheardOf(ctx.Err()) // a call that was cut off is no answer
}

// unheardOf says what it means that the time was over. Another attempt would wait as long again.
func (p *prober) unheardOf(ended error) error {
	if !errors.Is(ended, context.DeadlineExceeded) {
		return ended
	}
	return failure(TypeNotReady, fmt.Sprintf("key manager %q is put back as it was, but API Manager does not know it yet where keys are generated. "+
		"Next: look at API Manager's log, restart its pods, and generate keys with this key manager in the Developer Portal", p.manager.Name()))
}

func (p *prober) once(ctx context.Context) error {
	app, err := p.application(ctx)
	if err != nil {
		return err
	}
	_, err = p.apim.GenerateKeys(ctx, app, p.manager.ID())
	clean := p.apim.DeleteApplication(context.WithoutCancel(ctx), app)
	if err != nil {
		return err
	}
	return clean
}

// maxTaken bounds the names that are tried when all are taken.
const maxTaken = 10

// application makes one of a name that is free: a name that is taken says nothing about keys.
func (p *prober) application(ctx context.Context) (id string, err error) {
	for range maxTaken {
		p.attempts++
		id, err = p.apim.CreateApplication(ctx, fmt.Sprintf("%s-%d", p.name, p.attempts))
		if rest.Status(err) != http.StatusConflict {
			break
		}
	}
	return id, err
}

// UndoKeyManager removes a key manager that was not there and puts back one that was.
func (a *Activities) UndoKeyManager(ctx context.Context, in UndoKeyManagerInput) error {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return err
	}
	defer p.close()
	if err := restoreKeyManager(ctx, p, in.Env.KeyManager, in.Before); err != nil || !in.Before.Exists {
		return classifyProduct(err)
	}
	manager, err := p.apim.FindKeyManager(ctx, in.Env.KeyManager.Name)
	if err != nil {
		return classifyProduct(err)
	}
	probe := prober{apim: p.apim, manager: manager, name: verify.Prefix + "undo-" + short(in.Scope.Run)}
	return probe.untilHeardOf(ctx, progress(ctx))
}

func restoreKeyManager(ctx context.Context, p *products, km config.KeyManager, before KeyManagerState) error {
	c := p.apim
	stored, err := c.FindKeyManager(ctx, km.Name)
	switch {
	case err != nil:
		return err
	case before.Exists && stored == nil:
		_, err = c.CreateKeyManager(ctx, before.Manager.Again(p.admin))
		return err
	case before.Exists && len(apim.Differs(stored, before.Manager)) > 0:
		_, err = c.UpdateKeyManager(ctx, stored.ID(), before.Manager)
		return err
	case !before.Exists && stored != nil:
		if err := c.DeleteApplications(ctx, verify.Prefix); err != nil { // a key manager in use stays (code 902015)
			return err
		}
		return c.DeleteKeyManager(ctx, stored.ID())
	}
	return nil
}

// short is enough of a run id to tell runs apart in names.
func short(run string) string {
	run = strings.ReplaceAll(run, "-", "")
	return run[:min(8, len(run))]
}
