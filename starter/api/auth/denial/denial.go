// Package denial is why a request is not let through before anybody asks what its caller may do.
package denial

import (
	"fmt"
	"net/http"
	"time"

	"lockstep/starter/api/problem"
)

// Error is why a request was not let through, in words for whoever sent it.
type Error struct {
	// Status is that of the answer.
	Status int
	kind   string
	// Text says what is wrong, and what to do.
	Text string
	// Wait is how long to wait before another attempt. Zero: waiting changes nothing.
	Wait time.Duration
	// Presented says whether there was a token, good or not.
	Presented bool
}

// Error implements [error].
func (f *Error) Error() string { return f.Text }

// Invalid is a token that is none, or no good one.
func Invalid(format string, args ...any) *Error {
	return &Error{Status: http.StatusUnauthorized, kind: "unauthenticated", Text: fmt.Sprintf(format, args...)}
}

// Unavailable is a token that may be good: nobody can say now.
func Unavailable(wait time.Duration, format string, args ...any) *Error {
	return &Error{Status: http.StatusServiceUnavailable, kind: "issuer-unavailable", Text: fmt.Sprintf(format, args...), Wait: wait}
}

// TooMany is a request that comes too soon.
func TooMany(wait time.Duration, format string, args ...any) *Error {
	return &Error{Status: http.StatusTooManyRequests, kind: "too-many-requests", Text: fmt.Sprintf(format, args...), Wait: wait}
}

// Problem is the answer. A challenge names the fault only if there was a token (RFC 6750, section 3.1).
func (f *Error) Problem() *problem.Problem {
	p := problem.New(f.Status, f.kind, "%s", f.Text).RetryAfter(f.Wait)
	if f.Status != http.StatusUnauthorized {
		return p
	}
	if f.Presented {
		return p.Challenge(`Bearer realm="lockstep", error="invalid_token"`)
	}
	return p.Challenge(`Bearer realm="lockstep"`)
}
