package activities

import (
	"context"

	"lockstep/config"
	"lockstep/internal/attempt"
	"lockstep/internal/certificates"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/credentials"
)

// Certificates is what became of an environment's certificates.
type Certificates struct {
	Summary  string   `json:"summary"`
	Warnings []string `json:"warnings,omitempty"`
}

// Tell implements [redact.Teller].
func (c *Certificates) Tell(say func(string) string) { tellAll(c.Warnings, say) }

// EnsureCertificates mints what is missing of CA, stores and listeners' certificates, and checks what is there.
func (a *Activities) EnsureCertificates(ctx context.Context, in Input) (Certificates, error) {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return Certificates{}, err
	}
	store, err := stores(ctx, c, in.Env)
	if err != nil {
		return Certificates{}, err
	}
	made, warnings, err := store.Ensure(ctx)
	return Certificates{Summary: madeOrKept(made), Warnings: warnings}, err
}

// stores are the environment's certificates, with the password of their stores.
func stores(ctx context.Context, c *cluster.Client, env config.Environment) (certificates.Store, error) {
	secrets, err := credentials.Read(ctx, c, env)
	return certificates.Store{Cluster: c, Env: env, Password: secrets.Of(credentials.KeystorePassword)}, err
}

// RotateInput says whose certificates are renewed.
type RotateInput struct {
	Input
	Component string `json:"component"`
}

// Rotated is what became of a component's certificates.
type Rotated struct {
	Left    string `json:"left,omitempty"`    // whose they are, if they are not Lockstep's to renew
	Renewed bool   `json:"renewed,omitempty"` // there are some of Lockstep's beside those that are left
}

// RotateCertificates renews the stores of a product, or the certificates of the gateway's listeners, by the environment's CA. What
// somebody brought is left alone.
func (a *Activities) RotateCertificates(ctx context.Context, in RotateInput) (Rotated, error) {
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return Rotated{}, err
	}
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return Rotated{}, err
	}
	if left := (certificates.Store{Cluster: c, Env: in.Env}).Brought(of); left != "" { // it takes no password of Lockstep's
		return Rotated{Left: left}, nil
	}
	store, err := stores(ctx, c, in.Env)
	if err != nil {
		return Rotated{}, err
	}
	renewed, left, err := store.Rotate(ctx, of, in.Scope.Run)
	return Rotated{Left: left, Renewed: renewed && left != ""}, err
}

// CheckListener fails if there is a certificate for the listeners that the gateway does not serve. It changes nothing.
func (a *Activities) CheckListener(ctx context.Context, in Input) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	return certificates.Store{Cluster: c, Env: in.Env}.CheckListener(ctx)
}

// UndoRotateCertificates puts back the certificates of a component.
func (a *Activities) UndoRotateCertificates(ctx context.Context, in RotateInput) error {
	of, err := component.Find(in.Env, in.Component)
	if err != nil {
		return err
	}
	s, err := a.site(in.Scope.Cluster)
	if err != nil {
		return err
	}
	seen := func() error { return s.settleGateway(ctx, in.Env, attempt.Progress(ctx)) }
	return certificates.Store{Cluster: s.cluster, Env: in.Env}.Restore(ctx, of, in.Scope.Run, seen)
}

// SettleRotation removes the copies of what certificates were.
func (a *Activities) SettleRotation(ctx context.Context, in Input) error {
	c, err := a.cluster(in.Scope.Cluster)
	if err != nil {
		return err
	}
	return certificates.Store{Cluster: c, Env: in.Env}.Forget(ctx)
}
