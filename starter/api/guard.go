package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"lockstep/starter/api/auth"
	"lockstep/starter/api/problem"
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

// sameOrigin refuses what another site has a browser send. Tokens are proof against that; a server for everybody on this machine is not, and
// wants to be addressed as this machine too, since any name can be made to lead here.
func sameOrigin(anonymous bool, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if protection.Check(r) != nil {
			problem.Write(w, r, problem.New(http.StatusForbidden, "cross-origin", "a page of another site sent this request, and none may: send it from a program, or from a page of this server"))
			return
		}
		if anonymous && !local(r.Host) {
			problem.Write(w, r, problem.New(http.StatusForbidden, "wrong-host", "this server knows no callers, so it must be addressed as localhost or 127.0.0.1: write the address so, "+
				"or have whoever runs it set api.accessFile"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback() || host == "[::1]"
}
