package activities

import (
	"context"
	"strings"
	"time"

	"lockstep/internal/verify"
)

// VerifyInput says what to prove.
type VerifyInput struct {
	Input
}

// Verification is what was proved.
type Verification struct {
	Proved  []string `json:"proved"`
	Summary string   `json:"summary"`
}

// Verify proves what the environment's level asks for and leaves nothing behind.
func (a *Activities) Verify(ctx context.Context, in VerifyInput) (Verification, error) {
	arc, closeAll, err := a.arc(ctx, in)
	if err != nil {
		return Verification{}, err
	}
	defer closeAll()
	progress := progress(ctx)
	arc.Progress = progress
	result, err := arc.Run(ctx, in.Env.Verify.Level)
	return Verification{Proved: result.Proved, Summary: string(in.Env.Verify.Level) + ": " + strings.Join(result.Proved, "; ")}, classifyProduct(err)
}

// CleanUpVerify removes what a verification that was cut off left.
func (a *Activities) CleanUpVerify(ctx context.Context, in VerifyInput) error {
	arc, closeAll, err := a.arc(ctx, in)
	if err != nil {
		return err
	}
	defer closeAll()
	progress := progress(ctx)
	arc.Progress = progress
	return classifyProduct(arc.CleanUp(ctx))
}

func (a *Activities) arc(ctx context.Context, in VerifyInput) (*verify.Arc, func(), error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return nil, nil, err
	}
	limit := time.Duration(in.Env.Timeouts.Verify) // most of it is for what the gateway has to learn
	return &verify.Arc{
		Waits:      verify.Waits{Published: limit * 2 / 5, Revoked: limit / 4},
		APIManager: p.apim, IdentityServer: p.identity, Gateway: p.gateway,
		GatewayURL: "https://" + in.Env.Hostnames.Gateway, VHost: in.Env.Hostnames.Gateway,
		KeyManager: in.Env.KeyManager.Name, ID: short(in.Scope.Run),
	}, p.close, nil
}
