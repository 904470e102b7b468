package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"lockstep/starter/api/auth/denial"
	"lockstep/starter/api/problem"
)

// Middleware lets through to next only whom it knows, at the rate that they may ask, with [Identity] in the context. It
// answers everyone else with a problem: 401 without a good token, 429 to who asks too often or fails too often, 503 while
// the issuer of a token cannot be asked.
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access := g.current()
		c := caller{from: origin(r, access.proxies), method: r.Method, path: r.URL.EscapedPath()}
		err := g.admit(r, access, &c)
		ctx := context.WithValue(r.Context(), callerKey{}, c)
		var refused *denial.Error
		if errors.As(err, &refused) {
			g.audit(ctx, resultRefused, refused.Text, slog.Int("status", refused.Status))
			problem.Write(w, r, refused.Problem())
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit finds out who calls. Its errors are of [denial].
func (g *Guard) admit(r *http.Request, access *access, c *caller) error {
	headers := r.Header.Values("Authorization")
	identity, err := g.authenticate(r, access, c, headers)
	var failed *denial.Error
	if errors.As(err, &failed) {
		failed.Presented = len(headers) > 0
		return failed
	}
	c.identity = identity
	if wait, ok := access.requests.Take(identity.key()); !ok {
		return denial.TooMany(wait, "%s sends more than %d requests a second; wait for the time in Retry-After", identity, max(access.source.file.Limits.RequestsPerSecond, g.options.RequestsPerSecond))
	}
	return nil
}

// authenticate refuses to look at a token from where too many failed, unless that very token was good before: it may be
// that whoever tries tokens out shares the address of those who have one. A request without any token tries nothing out,
// so it does not count: a page of another site can have a browser send as many of them as it likes.
func (g *Guard) authenticate(r *http.Request, access *access, c *caller, headers []string) (Identity, error) {
	from := network(c.from)
	token, err := bearer(headers)
	if err == nil {
		sum := digest(token)
		if wait := access.failures.Wait(from); wait > 0 && !g.wasGood(sum) {
			return Identity{}, denial.TooMany(wait, "too many authentications from %s failed; wait for the time in Retry-After, then send a valid token", c.from)
		}
		var identity Identity
		if identity, err = access.identify(r.Context(), token); err == nil {
			c.token = token
			g.remember(sum)
			return identity, nil
		}
	}
	var failed *denial.Error
	if errors.As(err, &failed) && failed.Status == http.StatusUnauthorized && len(headers) > 0 {
		if wait, ok := access.failures.Take(from); !ok {
			return Identity{}, denial.TooMany(wait, "too many authentications from %s failed; wait for the time in Retry-After, then send a valid token", c.from)
		}
	}
	return Identity{}, err
}

func (g *Guard) wasGood(sum string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, good := g.good.Get(sum)
	return good
}

func (g *Guard) remember(sum string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.good.Put(sum, struct{}{})
}

// key is what tells identities apart: names of users may be alike, or change.
func (i Identity) key() string {
	if i.Via == ViaOIDC {
		return i.Via + " " + i.Subject
	}
	return i.Via + " " + i.Name
}
