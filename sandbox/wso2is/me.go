package wso2is

import (
	"net/http"
	"slices"
	"strings"
)

// me needs the scope internal_login, unless a [[resource.access_control]] opens /scim2/Me to any token, as the guide of
// the connector has it. Tokens of applications speak for nobody.
func (s *server) me(w http.ResponseWriter, r *http.Request) {
	username := s.Admin.Username
	if !s.Admin.Sent(r) {
		bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		t, ok := s.store.activeToken(bearer)
		switch {
		case !ok:
			scimError(w, http.StatusUnauthorized, "Unauthorized")
			return
		case !s.options.scimMe && !slices.Contains(strings.Fields(t.Scope), "internal_login"):
			scimError(w, http.StatusForbidden, "Operation is not permitted. You do not have permissions to make this request.")
			return
		case t.Application:
			scimError(w, http.StatusNotFound, "User not found in the user store.")
			return
		}
		username = t.User
	}
	scimJSON(w, http.StatusOK, map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "id": "00000000-0000-4000-8000-000000000001",
		"userName": username,
	})
}
