package auth

import (
	"fmt"
	"net/http"
	"time"

	"lockstep/starter/api/problem"
)

// failure is why a request was not let through, in words for whoever sent it.
type failure struct {
	status int
	kind   string
	text   string
	wait   time.Duration
	// presented says whether there was a token, good or not.
	presented bool
}

func (f *failure) Error() string { return f.text }

// invalid is a token that is none, or no good one.
func invalid(format string, args ...any) *failure {
	return &failure{status: http.StatusUnauthorized, kind: "unauthenticated", text: fmt.Sprintf(format, args...)}
}

// unavailable is a token that may be good: nobody can say now.
func unavailable(wait time.Duration, format string, args ...any) *failure {
	return &failure{status: http.StatusServiceUnavailable, kind: "issuer-unavailable", text: fmt.Sprintf(format, args...), wait: wait}
}

// tooMany is a request that comes too soon.
func tooMany(wait time.Duration, format string, args ...any) *failure {
	return &failure{status: http.StatusTooManyRequests, kind: "too-many-requests", text: fmt.Sprintf(format, args...), wait: wait}
}

// problem is the answer. A challenge names the fault only if there was a token (RFC 6750, section 3.1).
func (f *failure) problem() *problem.Problem {
	p := problem.New(f.status, f.kind, "%s", f.text).RetryAfter(f.wait)
	if f.status != http.StatusUnauthorized {
		return p
	}
	if f.presented {
		return p.Challenge(`Bearer realm="lockstep", error="invalid_token"`)
	}
	return p.Challenge(`Bearer realm="lockstep"`)
}
