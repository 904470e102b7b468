package codecserver

import (
	"io"
	"net/http"
	"strings"

	"lockstep/starter/api/problem"
)

const (
	loginPath  = "/login"
	cookieName = "lockstep_codec"
	// longestToken fits into a cookie: browsers drop one of more than 4096 bytes with its name (RFC 6265, section 6.1) and say nothing.
	longestToken = 4000
)

// form asks people for their token, whose UI has no login and so no token to pass on.
func form(w http.ResponseWriter, _ *http.Request) {
	page(w, http.StatusOK, `<form method="post"><label>Token <input type="password" name="token" autocomplete="off" autofocus required></label> <button>Log in</button></form>`)
}

// login keeps a good token in cookies of the browser's session that only it and this server see. Cookies know no ports: by their
// paths, a Temporal UI of its own on the same host does not get them. One behind this server gets requests without them.
func login(guard Guard, behind bool) http.Handler {
	accept := authorized(guard, payloads, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if len(token) > longestToken {
			problem.Write(w, r, problem.New(http.StatusUnprocessableEntity, "token-too-long", "the token is good, but longer than the %d bytes that browsers keep: "+
				"ask its issuer for one with fewer claims, or ask the owner of the access file for a token", longestToken))
			return
		}
		secure := r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://") // a proxy may speak TLS for this server
		for _, path := range []string{"/decode", "/encode"} {
			http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: path, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode})
		}
		if behind { // lax: a link in a message may lead to a page
			http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
			page(w, http.StatusOK, `<p>Logged in until this browser is closed. <a href="/">Go on to the Temporal UI</a>.</p>`)
			return
		}
		page(w, http.StatusOK, `<p>Logged in until this browser is closed. Reload the Temporal UI: it shows decoded data if its settings let it send credentials to the codec server.</p>`)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(r.PostFormValue("token")))
		accept.ServeHTTP(w, r)
	})
}

// expiring takes a cookie away that is good no more: a page that goes on sending it would be locked out for its failures, and whoever opens one
// has to come to the login.
type expiring struct {
	http.ResponseWriter
	page, moved bool
}

// WriteHeader implements [http.ResponseWriter].
func (e *expiring) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		for _, path := range []string{"/decode", "/encode", "/"} {
			http.SetCookie(e, &http.Cookie{Name: cookieName, Path: path, MaxAge: -1, HttpOnly: true})
		}
		if e.page {
			e.moved, status = true, http.StatusSeeOther
			e.Header().Set("Location", loginPath)
		}
	}
	e.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (e *expiring) Write(text []byte) (int, error) {
	if e.moved {
		return len(text), nil
	}
	return e.ResponseWriter.Write(text)
}

// Unwrap is for [http.ResponseController].
func (e *expiring) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func page(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>Lockstep codec server</title><h1>Lockstep codec server</h1>`+body+"\n")
}
