package codecserver

import (
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"time"

	"lockstep/starter/api/auth"
	"lockstep/starter/api/problem"
)

// uiPatience is how long the UI may take to answer: it asks Temporal to wait for news.
const uiPatience = 90 * time.Second

// temporalUI is the Temporal UI of a Temporal without a login, behind this server's: whoever reaches that UI otherwise may start anything, and
// so may a page that has a browser call it by another name. Neither token nor cookie goes on to it.
func temporalUI(o Options) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(o.UI)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
			r.Out.Header.Del("Authorization")
			withoutCookie(r.Out, cookieName)
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			o.Log.Warn("The Temporal UI does not answer", "error", err)
			problem.Write(w, r, problem.New(http.StatusBadGateway, "ui-unavailable", "the Temporal UI does not answer: try again, or ask its operator, whose codec server's log says why").RetryAfter(5*time.Second))
		},
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(uiPatience))
		proxy.ServeHTTP(w, r)
	})
	return addressed(o.Origins, loggedIn(authorized(o.Guard, use, answer)))
}

// use is what a request to the UI takes.
func use(r *http.Request) auth.Action {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost && isQuery(r.URL.EscapedPath()) {
		return auth.ReadUI
	}
	return auth.ChangeByUI
}

// isQuery says of a path as it was sent, /api/v1/namespaces/NAMESPACE/workflows/ID/query/TYPE, that it changes nothing, though it is sent as
// POST. An id may have slashes, but not as it is sent.
func isQuery(path string) bool {
	parts := strings.Split(path, "/")
	return len(parts) == 9 && parts[3] == "namespaces" && parts[5] == "workflows" && parts[7] == "query"
}

// addressed refuses requests by another name than that of the UI's own pages: any name can be made to lead here.
func addressed(origins []string, next http.Handler) http.Handler {
	var hosts []string
	for _, origin := range origins {
		_, host, _ := strings.Cut(origin, "://")
		hosts = append(hosts, host)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(hosts, strings.ToLower(r.Host)) {
			problem.Write(w, r, problem.New(http.StatusForbidden, "wrong-host", "the Temporal UI is served as %s only: use that address, or set uiURL (LOCKSTEP_UI_URL) to the one that you use", strings.Join(origins, ", ")))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loggedIn sends people who open a page to the login first. Programs are told what they lack.
func loggedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie(cookieName)
		if err != nil && isPage(r) && r.Header.Get("Authorization") == "" {
			http.Redirect(w, r, loginPath, http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isPage says that a person opens a page, who can be sent to another one.
func isPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func withoutCookie(r *http.Request, name string) {
	cookies := r.Cookies()
	r.Header.Del("Cookie")
	for _, cookie := range cookies {
		if cookie.Name != name {
			r.AddCookie(cookie)
		}
	}
}
