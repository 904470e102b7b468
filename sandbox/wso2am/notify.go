package wso2am

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"lockstep/sandbox/carbon"
	"lockstep/sandbox/wso2am/rest"
)

// eventHandlers are the values of X-WSO2-KEY-MANAGER that somebody listens to: the WSO2-IS-7 connector registers
// "WSO2-IS", API Manager itself "default". The name of a key manager is not among them.
var eventHandlers = map[string]bool{"WSO2-IS": true, "default": true}

const maxEvent = 1 << 20

// notify takes events of key managers. It answers 200 to any, also to those that nobody handles.
func (s *server) notify(w http.ResponseWriter, r *http.Request) {
	if !s.Admin.Sent(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="WSO2 API Manager"`)
		rest.Fail(w, &rest.Unauthenticated)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err == nil && eventHandlers[r.Header.Get("X-WSO2-KEY-MANAGER")] && strings.Contains(string(body), "token_revocation") {
		s.handleRevocation(body)
	}
	carbon.JSON(w, http.StatusOK, map[string]any{})
}

func (s *server) handleRevocation(body []byte) {
	var event struct {
		AccessToken string `json:"accessToken"`
		ExpiryTime  int64  `json:"expiryTime"` // milliseconds
	}
	if err := json.Unmarshal(body, &event); err != nil || event.AccessToken == "" {
		return
	}
	s.later(s.settings.revocation, func() { s.store.revoke(event.AccessToken, time.UnixMilli(event.ExpiryTime)) })
}

// revoke makes the gateway refuse the token whose jti this is.
func (s *store) revoke(jti string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[jti] = until
}
