package carbon

import (
	"crypto/subtle"
	"net/http"
)

// Admin is the super admin, the only user a fresh server has.
type Admin struct {
	Username, Password string
}

// Is checks a user's credentials.
func (a Admin) Is(username, password string) bool {
	return subtle.ConstantTimeCompare([]byte(a.Username), []byte(username)) == 1 &&
		subtle.ConstantTimeCompare([]byte(a.Password), []byte(password)) == 1
}

// Sent says whether the request carries the admin's credentials by HTTP Basic.
func (a Admin) Sent(r *http.Request) bool {
	username, password, ok := r.BasicAuth()
	return ok && a.Is(username, password)
}
