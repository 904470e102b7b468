package activities

import (
	"context"
	"maps"
	"strings"

	"lockstep/config"
	"lockstep/internal/apim"
	"lockstep/internal/attempt"
	"lockstep/internal/identity"
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
	return KeyManagerState{Exists: manager != nil, Manager: manager}, p.explain(ctx, err)
}

// RegisterKeyManager registers Identity Server with API Manager, or mends the registration, and waits until it can be used:
// API Manager answers 201 before its own components know the key manager.
func (a *Activities) RegisterKeyManager(ctx context.Context, in Input) (KeyManager, error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return KeyManager{}, err
	}
	defer p.close()
	progress := attempt.Progress(ctx)
	progress("reading Identity Server's issuer")
	discovery, err := p.identity.Discovery(ctx)
	if err != nil {
		return KeyManager{}, p.explain(ctx, err)
	}
	if err := p.identity.Authenticates(ctx); err != nil {
		return KeyManager{}, p.explain(ctx, err)
	}
	wanted := wantedKeyManager(in.Env, discovery.Issuer, p.admin)
	progress("registering key manager " + in.Env.KeyManager.Name)
	stored, note, err := p.apim.Ensure(ctx, wanted)
	if err != nil {
		return KeyManager{}, p.explain(ctx, err)
	}
	if err := p.apim.DeleteApplications(ctx, probePrefix); err != nil { // an attempt that crashed left its own
		return KeyManager{}, p.explain(ctx, err)
	}
	probe := apim.Probe{Client: p.apim, Explain: p.explain, Manager: stored, Name: probePrefix + attemptID(ctx, in.Scope)}
	if note == apim.Unchanged {
		// The stored password is masked, and an earlier attempt may have ended before the key manager was known: only keys can tell.
		if probe.Once(ctx) == nil {
			return KeyManager{ID: stored.ID(), Issuer: discovery.Issuer, Summary: note}, nil
		}
		note = "registered again, as it could not generate keys"
		if _, err := p.apim.UpdateKeyManager(ctx, stored.ID(), wanted); err != nil {
			return KeyManager{}, p.explain(ctx, err)
		}
	}
	if err := probe.UntilKnown(ctx, progress); err != nil {
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

const probePrefix = verify.Prefix + "probe-"

// UndoKeyManager removes a key manager that was not there and puts back one that was.
func (a *Activities) UndoKeyManager(ctx context.Context, in UndoKeyManagerInput) error {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return err
	}
	defer p.close()
	var before apim.KeyManager
	if in.Before.Exists {
		before = apim.KeyManager{} // it was there, whatever is known of it
		maps.Copy(before, in.Before.Manager)
	}
	if err := p.apim.Restore(ctx, in.Env.KeyManager.Name, before, p.admin, verify.Prefix); err != nil || before == nil {
		return err
	}
	manager, err := p.apim.FindKeyManager(ctx, in.Env.KeyManager.Name)
	if err != nil {
		return err
	}
	probe := apim.Probe{Client: p.apim, Manager: manager, Name: verify.Prefix + "undo-" + short(in.Scope.Run)}
	return probe.UntilHeardOf(ctx, attempt.Progress(ctx))
}

// short is enough of a run id to tell runs apart in names.
func short(run string) string {
	run = strings.ReplaceAll(run, "-", "")
	return run[:min(8, len(run))]
}
