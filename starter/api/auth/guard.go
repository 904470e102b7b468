package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Options are what a guard needs.
type Options struct {
	// File is the access file. It is read again when it changes; a new one that is wrong is logged and not used.
	File string
	// Log hears about the access file and the issuer. Default: nobody.
	Log *slog.Logger
	// Audit gets a record of each refusal and each change. Default: nobody.
	Audit *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Guard knows callers and what they may do. Its methods may be called at the same time.
type Guard struct {
	options Options
}

// New reads the access file. All that is wrong with it is one error.
func New(options Options) (*Guard, error) {
	return nil, errors.New("not yet")
}

// Middleware lets through to next only whom it knows, at the rate that they may ask, with [Identity] in the context. It
// answers everyone else with a problem: 401 without a good token, 429 to who asks too often or fails too often, 503 while
// the issuer of a token cannot be asked.
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return next
}

// Authorize says whether the caller in the context may do an action on an environment (empty for actions that list), as
// [Allowed] does. A refusal goes into the audit log. It is a *[Refusal], which has the problem to answer with.
func (g *Guard) Authorize(ctx context.Context, action Action, environment string) error {
	identity, _ := FromContext(ctx)
	err := Allowed(identity, action, environment)
	if err != nil {
		g.audit(ctx, resultRefused, err.Error(), slog.String("action", string(action)), slog.String("environment", environment))
	}
	return err
}

// Recheck looks at the caller's token once more: an answer that goes on for long, as a stream of events, asks now and then
// and ends with the error, whose text may be shown. It ends so when the token expires or is taken out of the access file.
// The identity is what the caller may do now.
func (g *Guard) Recheck(ctx context.Context) (Identity, error) {
	return Identity{}, errors.New("not yet")
}

// FromContext is the caller of the request that the context belongs to.
func FromContext(ctx context.Context) (Identity, bool) {
	c, ok := ctx.Value(callerKey{}).(caller)
	return c.identity, ok && c.identity.Via != ""
}

type callerKey struct{}

// caller is who asks what from where.
type caller struct {
	identity           Identity
	from, method, path string
}
