package codecserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"lockstep/starter/api/auth"
	"lockstep/starter/api/boundary"
	"lockstep/starter/api/problem"
)

// maxBody is some times what Temporal takes as one payload (2 MiB), in base64.
const maxBody = 16 << 20

// authorized lets through to next who may read payloads. Who has no token may have the cookie of [login]. Who has neither yet is no
// failure that the guard should count: a page of the Temporal UI asks dozens of times.
//
// The action says what a request takes.
func authorized(guard Guard, action func(*http.Request) auth.Action, next http.Handler) http.Handler {
	if guard == nil {
		return next
	}
	known := guard.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, _ := auth.FromContext(r.Context())
		note(r, identity)
		if err := guard.Authorize(r.Context(), action(r), "*"); err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			cookie, err := r.Cookie(cookieName)
			if err != nil {
				problem.Write(w, r, problem.New(http.StatusUnauthorized, "unauthorized", "the request has no token: log in at the codec server's page %s and let the Temporal UI "+
					"include credentials, or send a token as Authorization: Bearer <token>", loginPath).Challenge("Bearer"))
				return
			}
			r.Header.Set("Authorization", "Bearer "+cookie.Value)
			w = &expiring{ResponseWriter: w, page: isPage(r)}
		}
		known.ServeHTTP(w, r)
	})
}

// payloads is what it takes to decode, and to log in.
func payloads(*http.Request) auth.Action { return auth.ReadPayloads }

func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) {
		problem.Write(w, r, refusal.Problem())
		return
	}
	problem.Write(w, r, problem.New(http.StatusForbidden, "forbidden", "%s", err))
}

// bounded gives next bodies that are not too large, and of one caller not too many at once.
func bounded(next http.Handler) http.Handler {
	var bodies boundary.Bodies
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, _ := auth.FromContext(r.Context())
		done, refused := bodies.Enter(r, identity.String())
		if refused != nil {
			problem.Write(w, r, refused)
			return
		}
		defer done()
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			problem.Write(w, r, problem.New(http.StatusRequestEntityTooLarge, "too-large", "the request is larger than %d MiB: ask for fewer payloads at a time", maxBody>>20))
		case err != nil:
			problem.Write(w, r, problem.New(http.StatusBadRequest, "bad-request", "the request broke off: send it again"))
		default:
			r.Body = io.NopCloser(bytes.NewReader(body))
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
		}
	})
}
