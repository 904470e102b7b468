package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"lockstep/internal/rest"
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
	progress := progress(ctx)
	arc.Progress = progress
	result, err := arc.Run(ctx, in.Env.Verify.Level)
	return Verification{Proved: result.Proved, Summary: string(in.Env.Verify.Level) + ": " + strings.Join(result.Proved, "; ")},
		p.sharpen(ctx, err, classifyVerify(err, activity.GetInfo(ctx).Attempt))
}

// missingAttempts is how often a verification may meet things that are gone or there already before that is final.
const missingAttempts = 3

// classifyVerify lets a verification start anew, with names of its own, when what it made is gone or there already: an attempt that
// was given up may have been in its way, and the products' lists and caches are behind.
func classifyVerify(err error, attempt int32) error {
	var link *verify.Broken
	if ended(err) || errors.As(err, &link) || attempt >= missingAttempts {
		return classifyProduct(err)
	}
	switch rest.Status(err) {
	case http.StatusNotFound, http.StatusConflict:
		return passing(TypeUnavailable, err.Error())
	}
	return classifyProduct(err)
}

// CleanUpVerify removes what a verification that was cut off left.
func (a *Activities) CleanUpVerify(ctx context.Context, in VerifyInput) error {
	arc, p, err := a.arc(ctx, in)
	if err != nil {
		return err
	}
	defer p.close()
	progress := progress(ctx)
	arc.Progress = progress
	return classifyProduct(arc.CleanUp(ctx))
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
