package codecserver

import (
	"net/http"
	"slices"
	"strings"

	"lockstep/starter/api/problem"
)

// shared answers pages of those origins, and whoever is no page of a browser's. The headers allowed are those that the Temporal UI sends
// (src/lib/services/data-encoder.ts).
func shared(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" || r.URL.Path == loginPath && ownPage(r) {
			next.ServeHTTP(w, r)
			return
		}
		if !slices.Contains(origins, origin) {
			problem.Write(w, r, problem.New(http.StatusForbidden, "origin", "pages of %s may not use this codec server, only those of %s: if it is your Temporal UI, add it to codecServer.origins (LOCKSTEP_CODEC_SERVER_ORIGINS)",
				origin, strings.Join(origins, ", ")))
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Authorization-Extras, Content-Type, X-Namespace")
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

// ownPage says that a browser sent the request from a page of this server's own.
func ownPage(r *http.Request) bool {
	scheme, host, _ := strings.Cut(r.Header.Get("Origin"), "://")
	return host == r.Host && (scheme == "http" || scheme == "https")
}
