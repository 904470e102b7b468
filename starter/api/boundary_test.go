package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockstep/starter/api/boundary"
	"lockstep/starter/api/problem"
)

func TestWhatIsNoRequestOfThisAPIIsRefusedWithAProblem(t *testing.T) {
	s := away(t)
	for _, c := range []struct {
		holds, method, path string
		body                any
		headers             []string
		status              int
		says                string
	}{
		{"an unknown path", "GET", "/v2/environments", nil, nil, 404, "/openapi.json lists all"},
		{"an unknown path of the API", "GET", "/v1/envs", nil, nil, 404, "/openapi.json lists all"},
		{"a slash at the end", "GET", "/v1/environments/", nil, nil, 404, "remove them"},
		{"an empty part", "GET", "/v1/environments//operations", nil, nil, 404, "remove them"},
		{"dots", "GET", "/v1/environments/../environments", nil, nil, 404, "remove them"},
		{"another method", "DELETE", "/v1/environments/dev", nil, nil, 405, "send one of GET, HEAD"},
		{"a browser's question", "OPTIONS", "/v1/environments", nil, []string{"Origin", "https://evil.example.com", "Access-Control-Request-Method", "GET"}, 405, ""},
		{"a page of another site", "POST", "/v1/environments/dev/operations", `{"operation":"deploy"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403, "a page of another site"},
		{"no JSON", "POST", "/v1/environments/dev/operations", `{"operation":`, nil, 400, "send a JSON object"},
		{"two values", "POST", "/v1/environments/dev/operations", `{"operation":"deploy"} {}`, nil, 400, "send a JSON object"},
		{"no body", "POST", "/v1/environments/dev/operations", nil, nil, 400, "send a JSON object"},
		{"a list", "POST", "/v1/environments/dev/operations", `[]`, nil, 422, "expected object"},
		{"null", "POST", "/v1/environments/dev/operations", `null`, nil, 422, "expected object"},
		{"an unknown field", "POST", "/v1/environments/dev/operations", `{"operation":"deploy","forc":true}`, nil, 422, "body.forc"},
		{"who decides", "POST", "/v1/environments/dev/operations/1b4e28ba-2fa1-11d2-883f-0016d3cca427/decisions", `{"decision":"rollback","by":"the boss"}`, nil, 422, "body.by"},
		{"a field twice, in other letters", "POST", "/v1/environments/dev/operations", `{"operation":"deploy","OPERATION":"destroy"}`, nil, 422, "body.OPERATION"},
		{"another's option, in other letters", "POST", "/v1/environments/dev/operations", `{"operation":"rebuild","options":{"mode":"fresh","Mode":"any"}}`, nil, 422, "body.options.Mode"},
		{"an unknown operation", "POST", "/v1/environments/dev/operations", `{"operation":"destroy"}`, nil, 422, "body.operation"},
		{"an unknown option", "POST", "/v1/environments/dev/operations", `{"operation":"deploy","options":{"fast":true}}`, nil, 422, "body.options.fast"},
		{"another's option", "POST", "/v1/environments/dev/operations", `{"operation":"deploy","options":{"purge":true}}`, nil, 422, "body.options.purge"},
		{"text", "POST", "/v1/environments/dev/operations", `operation=deploy`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "send the body as application/json"},
		{"no type", "POST", "/v1/environments/dev/operations", `{"operation":"deploy"}`, []string{"Content-Type", ""}, 415, "send it as application/json"},
		{"a large body", "POST", "/v1/environments/dev/operations", `{"operation":"` + strings.Repeat("x", boundary.MaxBody) + `"}`, nil, 413, "larger than 1 MiB"},
		{"a long URL", "GET", "/v1/environments?" + strings.Repeat("x", boundary.MaxURL), nil, nil, 414, "longer than 8 KiB"},
		{"large headers", "GET", "/v1/environments", nil, []string{"X-Large", strings.Repeat("x", boundary.MaxHeaders)}, 431, "larger than 32 KiB"},
		{"a long key", "POST", "/v1/environments/dev/operations", `{"operation":"deploy"}`, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, "header.Idempotency-Key"},
		{"an unknown parameter", "GET", "/v1/environments?page=2", nil, nil, 422, "query.page"},
		{"too many", "GET", "/v1/environments/dev/operations?limit=101", nil, nil, 422, "query.limit"},
		{"no number", "GET", "/v1/environments/dev/operations?limit=all", nil, nil, 422, "query.limit"},
		{"a query in a filter", "GET", "/v1/environments/dev/operations?outcome=x'%20OR%20''='", nil, nil, 422, "query.outcome"},
		{"no cursor", "GET", "/v1/environments/dev/operations?cursor=bm8", nil, nil, 422, "query.cursor"},
		{"no name", "GET", "/v1/environments/..%2Fetc", nil, nil, 404, "remove them"},
		{"a name with a slash", "GET", "/v1/environments/a%2Fb", nil, nil, 422, "path.environment"},
		{"no id", "GET", "/v1/environments/dev/operations/latest", nil, nil, 422, "path.operation"},
		{"an unknown environment", "GET", "/v1/environments/gone", nil, nil, 404, "GET /v1/environments lists those"},
		{"an unknown environment to operate on", "POST", "/v1/environments/gone/operations", `{"operation":"deploy"}`, nil, 404, "GET /v1/environments lists those"},
	} {
		t.Run(c.holds, func(t *testing.T) {
			s.t = t
			s.send(c.method, c.path, root, c.body, c.headers...).wants(c.status, c.says)
		})
	}
}

func TestABodyThatBreaksOffIsTheCallersMistake(t *testing.T) {
	s := away(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "POST /v1/environments/dev/operations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n", root)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadRequest || response.Header.Get("Content-Type") != problem.ContentType {
		t.Errorf("%s %s", response.Status, response.Header)
	}
}

func TestWhoeverIsRefusedHasLittleTimeToSendTheRest(t *testing.T) {
	s := away(t)
	for _, c := range []struct {
		holds, token string
		body         io.Reader
		status       int
		bounded      bool
	}{
		{"a caller nobody knows", "nobody", io.MultiReader(strings.NewReader("{")), http.StatusUnauthorized, true},
		{"a body that is too large", root, io.LimitReader(endless{}, 2*boundary.MaxBody), http.StatusRequestEntityTooLarge, true},
		{"a body that came", root, io.MultiReader(strings.NewReader("[]")), http.StatusUnprocessableEntity, false},
		{"no body", root, nil, http.StatusBadRequest, false},
	} {
		t.Run(c.holds, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "http://localhost/v1/environments/dev/operations", c.body)
			request.Header.Set("Authorization", "Bearer "+c.token)
			request.Header.Set("Content-Type", "application/json")
			answer := &timed{ResponseRecorder: httptest.NewRecorder()}
			s.server.ServeHTTP(answer, request)
			if answer.Code != c.status || answer.until.IsZero() == c.bounded {
				t.Errorf("%d, reads until %s", answer.Code, answer.until)
			}
		})
	}
}

// timed remembers until when a request may be read.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *timed) SetReadDeadline(until time.Time) error {
	w.until = until
	return nil
}

type endless struct{}

func (endless) Read(data []byte) (int, error) { return len(data), nil }

func TestWhileTemporalIsAwayTheServerSaysSo(t *testing.T) {
	s := away(t)
	s.get("/livez", "").wants(http.StatusOK, "ok")
	s.get("/readyz", "").wants(http.StatusServiceUnavailable, "Temporal does not answer")
	s.get("/v1/environments/dev", reader).wants(http.StatusOK, `"valid":true`)
	a := s.send(http.MethodPost, "/v1/environments/dev/operations", operator, map[string]any{"operation": "deploy"}).wants(http.StatusServiceUnavailable, "urn:lockstep:problem:unavailable")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if strings.Contains(a.body, "127.0.0.1:1") {
		t.Errorf("a caller learns where Temporal is: %s", a.body)
	}
	s.get("/metrics", "").wants(http.StatusOK, `lockstep_api_requests_total{method="POST",route="/v1/environments/{environment}/operations",status="503"} 1`,
		"lockstep_api_request_duration_seconds", "lockstep_api_watchers 0")
}

func TestAnOpenServerAnswersThisMachineAlone(t *testing.T) {
	s := away(t)
	o := s.options
	o.Guard = nil
	_, url := s.replica(o)
	s.sendTo(url, http.MethodGet, "/v1/environments/dev", "", nil).wants(http.StatusOK)
	request := newRequest(t, url, http.MethodGet, "/v1/environments/dev", "", nil)
	request.Host = "rebound.example.com"
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("by another name: %s", response.Status)
	}
}

func TestABodyOfUnknownFieldsIsNotAnsweredWithManyTimesItsSize(t *testing.T) {
	s := away(t)
	var body strings.Builder
	body.WriteString(`{"operation":"deploy"`)
	for i := range 50_000 {
		fmt.Fprintf(&body, `,"f%d":0`, i)
	}
	body.WriteString("}")
	a := s.send("POST", "/v1/environments/dev/operations", stranger, body.String())
	if a.wants(422, "more are not listed"); len(a.body) > 100<<10 {
		t.Errorf("%d bytes are answered with %d", body.Len(), len(a.body))
	}
}
