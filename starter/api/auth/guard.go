package auth

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"lockstep/starter/api/auth/denial"
	"lockstep/starter/api/limit"
)

// lookEvery is how often the access file is looked at, while there are requests.
const lookEvery = time.Second

// remembered is how many good tokens are remembered: those are not refused for the failures of others at their address.
const remembered = 1000

// Options are what a guard needs.
type Options struct {
	// File is the access file. It is read again when it changes; a new one that is wrong is logged and not used.
	File string
	// RequestsPerSecond of one caller are let through also where the access file allows fewer: a page of the Temporal UI
	// asks the codec server for each payload. Default: what the file says.
	RequestsPerSecond int
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

	mu     sync.Mutex
	access *access
	looked time.Time
	wrong  string                  // what is wrong with the file as it is now, logged already
	good   *limit.Recent[struct{}] // digests of tokens that were good
}

// New reads the access file. All its problems is one error. The issuer is not asked before a token needs it.
func New(options Options) (*Guard, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Audit == nil {
		options.Audit = slog.New(slog.DiscardHandler)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	access, err := readAccess(options, nil)
	if err != nil {
		return nil, err
	}
	return &Guard{options: options, access: access, looked: options.Now(), good: limit.NewRecent[struct{}](remembered)}, nil
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
	c, _ := ctx.Value(callerKey{}).(caller)
	identity, err := g.current().identify(ctx, c.token)
	var f *denial.Error
	if errors.As(err, &f) && f.Wait > 0 && g.options.Now().Before(c.identity.Expires) {
		return c.identity, nil // the issuer does not answer, but it has before
	}
	return identity, err
}

// current is the access file as it is now, or as it was before it was wrong.
func (g *Guard) current() *access {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.options.Now()
	if now.Sub(g.looked) < lookEvery {
		return g.access
	}
	g.looked = now
	next, err := readAccess(g.options, g.access)
	if err != nil {
		if text := err.Error(); text != g.wrong {
			g.options.Log.Error("The new access file is invalid: the one before stays in use", "error", err)
			g.wrong = text
		}
		return g.access
	}
	if next != g.access || g.wrong != "" {
		g.options.Log.Info("The access file was read again", "tokens", len(next.tokens), "oidc", next.users != nil)
	}
	g.access, g.wrong = next, ""
	return next
}

// FromContext is the caller of the request that the context belongs to.
func FromContext(ctx context.Context) (Identity, bool) {
	c, ok := ctx.Value(callerKey{}).(caller)
	return c.identity, ok && c.identity.Via != ""
}

// NewContext is ctx with a caller, for tests of what asks [FromContext].
func NewContext(ctx context.Context, identity Identity) context.Context {
	return context.WithValue(ctx, callerKey{}, caller{identity: identity})
}

type callerKey struct{}

// caller is who asks what from where.
type caller struct {
	identity           Identity
	token              string
	from, method, path string
}
