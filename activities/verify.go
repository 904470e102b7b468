package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"lockstep/internal/attempt"
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
	arc, p, err := a.arc(ctx, in)
	if err != nil {
		return Verification{}, err
	}
	defer p.close()
	arc.Progress = attempt.Progress(ctx)
	result, err := arc.Run(ctx, in.Env.Verify.Level)
	return Verification{Proved: result.Proved, Summary: string(in.Env.Verify.Level) + ": " + strings.Join(result.Proved, "; ")},
		p.explain(ctx, verify.Anew(err, activity.GetInfo(ctx).Attempt))
}

// CleanUpVerify removes what a verification that was cut off left.
func (a *Activities) CleanUpVerify(ctx context.Context, in VerifyInput) error {
	arc, p, err := a.arc(ctx, in)
	if err != nil {
		return err
	}
	defer p.close()
	arc.Progress = attempt.Progress(ctx)
	return arc.CleanUp(ctx)
}

func (a *Activities) arc(ctx context.Context, in VerifyInput) (*verify.Arc, *products, error) {
	p, err := a.products(ctx, in.Env)
	if err != nil {
		return nil, nil, err
	}
	limit := time.Duration(in.Env.Timeouts.Verify) // most of it is for what the gateway has to learn
	return &verify.Arc{
		Waits:      verify.Waits{Published: limit * 2 / 5, Revoked: limit / 4},
		APIManager: p.apim, IdentityServer: p.identity, Gateway: p.gateway,
		GatewayURL: "https://" + in.Env.Hostnames.Gateway, VHost: in.Env.Hostnames.Gateway,
		KeyManager: in.Env.KeyManager.Name, ID: attemptID(ctx, in.Scope),
	}, p, nil
}

// attemptID tells apart, in names, what the attempts of an activity make: one that was given up may still be at work. All are of the
// same length, so that none is the beginning of another.
func attemptID(ctx context.Context, scope Scope) string {
	return fmt.Sprintf("%s%04d", short(scope.Run), activity.GetInfo(ctx).Attempt)
}
