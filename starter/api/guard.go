package api

import (
	"context"
	"log/slog"
	"net/http"

	"lockstep/starter/api/auth"
)

// Guard knows callers and what they may do, and keeps the audit log; it is [auth.Guard].
type Guard interface {
	Middleware(http.Handler) http.Handler
	Authorize(ctx context.Context, action auth.Action, environment string) error
	Recheck(ctx context.Context) (auth.Identity, error)
	Record(ctx context.Context, change auth.Change)
}

// everybody is the guard of a server that only programs of its machine reach.
type everybody struct{ log *slog.Logger }

func anonymous() auth.Identity {
	return auth.Identity{Name: "anonymous", Via: "anonymous", Grants: []auth.Grant{{Role: auth.Admin, Environments: []string{"*"}}}}
}

// Middleware implements [Guard].
func (everybody) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), anonymous())))
	})
}

// Authorize implements [Guard].
func (everybody) Authorize(_ context.Context, action auth.Action, environment string) error {
	return auth.Allowed(anonymous(), action, environment)
}

// Recheck implements [Guard].
func (everybody) Recheck(context.Context) (auth.Identity, error) { return anonymous(), nil }

// Record implements [Guard].
func (e everybody) Record(_ context.Context, c auth.Change) {
	result, reason := "done", ""
	if c.Err != nil {
		result, reason = "failed", c.Err.Error()
	}
	e.log.Info("audit", "result", result, "who", "anonymous", "action", string(c.Action), "environment", c.Environment, "operation", c.Operation,
		"run", c.Run, "detail", c.Detail, "reason", reason)
}

// by is who asks, for others to see.
func by(ctx context.Context) string {
	identity, _ := auth.FromContext(ctx)
	if identity.Via == anonymous().Via {
		return "anonymous, by the API"
	}
	return identity.String()
}
