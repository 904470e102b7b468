package problem

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAProblemIsWrittenAsRFC9457Says(t *testing.T) {
	w := httptest.NewRecorder()
	p := New(429, "too-many-requests", "slow down, %d%%", 50).RetryAfter(1500 * time.Millisecond)
	p.Errors = []Part{{Location: "query.limit", Message: "is no number", Value: "x"}}
	Write(w, httptest.NewRequest("GET", "/environments/a%20b?token=secret", nil), p)
	want := `{"type":"urn:lockstep:problem:too-many-requests","title":"Too Many Requests","status":429,"detail":"slow down, 50%",` +
		`"instance":"/environments/a%20b","errors":[{"location":"query.limit","message":"is no number","value":"x"}]}`
	if diff := cmp.Diff(want, strings.TrimSpace(w.Body.String())); diff != "" {
		t.Error(diff)
	}
	headers := map[string]string{"Content-Type": "application/problem+json", "Retry-After": "2", "Cache-Control": "no-store", "WWW-Authenticate": ""}
	for name, want := range headers {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if w.Code != 429 || p.Instance != "" {
		t.Errorf("status %d, instance of the problem itself %q", w.Code, p.Instance)
	}
}

func TestAChallengeIsAHeader(t *testing.T) {
	p := New(401, "unauthenticated", "no token").Challenge(`Bearer realm="lockstep"`)
	if got := p.GetHeaders().Get("WWW-Authenticate"); got != `Bearer realm="lockstep"` {
		t.Error(got)
	}
}

func TestAProblemIsAnErrorWithItsDetail(t *testing.T) {
	if got := New(404, "not-found", "there is no environment dev").Error(); got != "there is no environment dev" {
		t.Error(got)
	}
	if got := (&Problem{Title: "Not Found"}).Error(); got != "Not Found" {
		t.Error(got)
	}
}

func TestNoRequestIsAnsweredWithManyTimesItsSize(t *testing.T) {
	p := New(422, "invalid-request", "%s", strings.Repeat("ü", 10_000))
	for range 10_000 {
		p.Errors = append(p.Errors, Part{Location: "body." + strings.Repeat("x", 1000), Message: strings.Repeat("m", 5000), Value: strings.Repeat("v", 5000)})
	}
	w := httptest.NewRecorder()
	Write(w, httptest.NewRequest("POST", "/", nil), p)
	if size := w.Body.Len(); size > 100<<10 {
		t.Errorf("the answer has %d bytes", size)
	}
	if !strings.Contains(w.Body.String(), "9950 more are not listed: correct these first") {
		t.Error("it does not say what it leaves out")
	}
	if len(p.Errors) != 10_000 {
		t.Error("the problem itself was changed")
	}
}
