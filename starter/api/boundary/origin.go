package boundary

import (
	"net"
	"net/http"

	"lockstep/starter/api/problem"
)

// SameOrigin refuses what another site has a browser send. Tokens are proof against that; a server for everybody on this machine is not, and
// wants to be addressed as this machine too, since any name can be made to lead here.
func SameOrigin(anonymous bool, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if protection.Check(r) != nil {
			problem.Write(w, r, problem.New(http.StatusForbidden, "cross-origin", "a page of another site sent this request, which is not allowed: send it from a program, or from a page of this server"))
			return
		}
		if anonymous && !local(r.Host) {
			problem.Write(w, r, problem.New(http.StatusForbidden, "wrong-host", "this server does not authenticate callers, so requests must address it as localhost or 127.0.0.1: use such an address, "+
				"or ask its operator to set api.accessFile"))
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
