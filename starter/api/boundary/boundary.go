// Package boundary is what stands around every request: bounds in size and time, the headers of answers, and where requests may come from.
package boundary

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path"
	"time"

	"lockstep/starter/api/problem"
)

// MaxURL, MaxHeaders and MaxBody bound a request. One whose headers are larger than twice MaxHeaders does not get as far as here: net/http refuses it, in plain text.
const (
	MaxURL     = 8 << 10
	MaxHeaders = 32 << 10
	MaxBody    = 1 << 20
	// bodyPatience is how long a body may take to come.
	bodyPatience = 10 * time.Second
	// answerPatience is how long an answer may take, with the decision that takes longest.
	answerPatience = 90 * time.Second
)

// Secured gives answers the headers that keep browsers from doing anything with them but show them.
func Secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// Bounded refuses what is too large, before anybody looks at it.
func Bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(answerPatience))
		if r.ContentLength != 0 { // else net/http waits for the body of who is refused before it says so, for ever
			_ = control.SetReadDeadline(time.Now().Add(bodyPatience))
		}
		size := 0
		for name, values := range r.Header {
			for _, value := range values {
				size += len(name) + len(value)
			}
		}
		switch {
		case len(r.RequestURI) > MaxURL:
			problem.Write(w, r, withoutInstance(problem.New(http.StatusRequestURITooLong, "url-too-long", "the URL is longer than 8 KiB: shorten the query")))
		case size > MaxHeaders:
			problem.Write(w, r, problem.New(http.StatusRequestHeaderFieldsTooLarge, "headers-too-large", "the headers are larger than 32 KiB: leave out headers that this API does not need"))
		case r.URL.Path != path.Clean(r.URL.Path):
			problem.Write(w, r, problem.New(http.StatusNotFound, "not-found", "the path has empty parts, dots or a slash at its end: remove them; /openapi.json lists all paths"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// withoutInstance keeps a problem from repeating a path that was too long.
func withoutInstance(p *problem.Problem) *problem.Problem {
	p.Instance = "/"
	return p
}

// Read takes in the body, bounded in size and time: so a handler, and what it calls, meets no error of reading. The bound in time stays on
// what did not come whole, for net/http goes on reading it.
func Read(w http.ResponseWriter, r *http.Request) *problem.Problem {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyPatience))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	var large *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &large):
		return problem.New(http.StatusRequestEntityTooLarge, "body-too-large", "the body is larger than 1 MiB: send only what differs from the environment's file")
	case errors.As(err, &late) && late.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return problem.New(http.StatusRequestTimeout, "body-too-slow", "the body did not come within 10 seconds: send the request again")
	case err != nil:
		return problem.New(http.StatusBadRequest, "malformed-body", "the body could not be read (%v): send the request again", err)
	case len(body) > 0 && r.Header.Get("Content-Type") == "":
		return problem.New(http.StatusUnsupportedMediaType, "unsupported-media-type", "the body has no Content-Type: send it as application/json")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
