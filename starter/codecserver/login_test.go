package codecserver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lockstep/starter/api/auth"
)

// trusting lets everybody in.
type trusting struct{}

func (trusting) Middleware(next http.Handler) http.Handler { return next }

func (trusting) Authorize(context.Context, auth.Action, string) error { return nil }

func TestATokenThatNoBrowserKeepsLogsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		url    string
		length int
		status int
		secure bool
	}{
		{"http://localhost/login", longestToken, http.StatusOK, false},
		{"https://localhost/login", longestToken, http.StatusOK, true},
		{"https://localhost/login", longestToken + 1, http.StatusUnprocessableEntity, false},
	} {
		request := httptest.NewRequest(http.MethodPost, c.url, strings.NewReader(url.Values{"token": {strings.Repeat("x", c.length)}}.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		login(trusting{}, false).ServeHTTP(answer, request)
		if answer.Code != c.status {
			t.Errorf("%s with %d bytes: %d %s", c.url, c.length, answer.Code, answer.Body)
		}
		for _, cookie := range answer.Result().Cookies() {
			if cookie.Secure != c.secure || len(cookie.String()) == 0 || c.status != http.StatusOK {
				t.Errorf("%s with %d bytes: cookie for %s, secure %t", c.url, c.length, cookie.Path, cookie.Secure)
			}
		}
	}
}
