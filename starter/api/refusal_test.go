package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lockstep/config/operation"
	"lockstep/starter/api/auth"
)

const noOperation = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"

// requests are one of each route, and of each kind of operation, that somebody of the right role may send.
func requests() []struct {
	method, path string
	body         any
	needs        auth.Role // on the environment; Admin of all where everywhere is set
	everywhere   bool
} {
	const dev = "/v1/environments/dev"
	const one = dev + "/operations/" + noOperation
	type request = struct {
		method, path string
		body         any
		needs        auth.Role
		everywhere   bool
	}
	all := []request{
		{"GET", dev, nil, auth.Reader, false},
		{"GET", dev + "/operations", nil, auth.Reader, false},
		{"GET", one, nil, auth.Reader, false},
		{"GET", one + "/events", nil, auth.Reader, false},
		{"POST", one + "/cancel", nil, auth.Operator, false},
		{"POST", one + "/decisions", map[string]any{"decision": "rollback"}, auth.Operator, false},
		{"POST", one + "/decisions", map[string]any{"decision": "retry-step", "overrides": map[string]any{"namespace": "a"}}, auth.Admin, true},
		{"GET", dev + "/schedules", nil, auth.Reader, false},
		{"GET", dev + "/schedules/nightly", nil, auth.Reader, false},
		{"PUT", dev + "/schedules?dryRun=true", nil, auth.Reader, false},
		{"PUT", dev + "/schedules", nil, auth.Admin, false},
		{"DELETE", dev + "/schedules/nightly", nil, auth.Admin, false},
		{"POST", dev + "/schedules/nightly/pause", map[string]any{"reason": "holidays"}, auth.Admin, false},
		{"POST", dev + "/schedules/nightly/resume", nil, auth.Admin, false},
		{"POST", dev + "/schedules/nightly/trigger", nil, auth.Operator, false},
		{"POST", dev + "/operations", map[string]any{"operation": "deploy", "overrides": map[string]any{"namespace": "a"}}, auth.Admin, true},
	}
	for _, row := range operation.All() {
		needs := auth.Operator
		if row.Role == operation.Admin {
			needs = auth.Admin
		}
		all = append(all, request{"POST", dev + "/operations", map[string]any{"operation": row.Verb}, needs, false})
	}
	return all
}

func TestNobodyDoesMoreThanTheirRoleAllows(t *testing.T) {
	s := idle(t) // so that nothing is ever done
	roles := map[string]auth.Role{reader: auth.Reader, operator: auth.Operator, admin: auth.Admin, root: auth.Admin, stranger: auth.None}
	// The lists are of what one may read; clusters_test.go tries the second.
	covered := map[string]bool{"/v1/environments": true, "/v1/clusters": true}
	for _, r := range requests() {
		path, _, _ := strings.Cut(r.path, "?")
		covered[s.pathOf(path)] = true
		for token, role := range roles {
			a := s.send(r.method, r.path, token, r.body)
			allowed := role >= r.needs && (token == root || !r.everywhere)
			if allowed == (a.StatusCode == http.StatusForbidden) || a.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s %v: %s: %s", a.what, r.body, a.Status, a.body)
			}
			if !allowed {
				a.wants(http.StatusForbidden, "urn:lockstep:problem:forbidden", "the owner of the API's access file can grant it")
			}
		}
		for _, token := range []string{"", "guessed-token"} {
			if a := s.send(r.method, r.path, token, r.body).wants(http.StatusUnauthorized, "token"); !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s: no challenge", a.what)
			}
		}
		for _, header := range []string{"Basic cm9vdDpyb290", "Bearer", "Bearer a b"} {
			s.send(r.method, r.path, "", r.body, "Authorization", header).wants(http.StatusUnauthorized)
		}
	}
	s.nothingStarted()
	for path := range s.paths {
		if !covered[path] {
			t.Errorf("nobody tried %s", path)
		}
	}
	for _, text := range []string{"result=refused who=stranger", "action=start.teardown environment=dev", "status=401"} {
		if !strings.Contains(s.audited.String(), text) {
			t.Errorf("the audit log does not say %s", text)
		}
	}
}

// values are what generated requests are made of.
func values(random *rand.Rand) any {
	all := []any{nil, true, -1, 1e308, "", "dev", "deploy", "\x00", "../../etc/passwd", strings.Repeat("x", 5000), "𝔡𝔢𝔳", "'; DROP TABLE executions; --", []any{}, map[string]any{},
		map[string]any{"operation": "deploy"}, []any{[]any{[]any{nil}}}, "${jndi:ldap://x}", "%00", 0.5}
	if value := all[random.IntN(len(all))]; value != nil || random.IntN(2) == 0 {
		return value
	}
	return map[string]any{"a": values(random)}
}

// malformed is a request near one that would be right.
func malformed(random *rand.Rand, fields []string) string {
	body := map[string]any{}
	for range 1 + random.IntN(4) {
		body[fields[random.IntN(len(fields))]] = values(random)
	}
	text, _ := json.Marshal(body)
	if random.IntN(4) == 0 {
		at := random.IntN(len(text))
		return string(slices.Concat(text[:at], []byte{byte(random.IntN(256))}, text[at:]))
	}
	if random.IntN(6) == 0 {
		return string(text[:random.IntN(len(text))])
	}
	return string(text)
}

// TestWhateverIsSentIsAnsweredAndNothingStarted sends what is wrong in some way to every route: to a server whose Temporal is there, but has
// no worker, so that a request that happens to be right starts nothing either.
func TestWhateverIsSentIsAnsweredAndNothingStarted(t *testing.T) {
	s := idle(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	fields := []string{"operation", "overrides", "options", "decision", "step", "reason", "fromFile", "by", "", "__proto__", "environment"}
	names := []string{"dev", "broken", "gone", "..", "%2e%2e", "a%2Fb", "DEV", "%00", "%F0%9F%92%A9", strings.Repeat("a", 64), "-", noOperation}
	for range 400 {
		r := requests()[random.IntN(len(requests()))]
		path := r.path
		if random.IntN(2) == 0 {
			parts := strings.Split(path, "/")
			parts[2+random.IntN(len(parts)-2)] = names[random.IntN(len(names))]
			path = strings.Join(parts, "/")
		}
		if random.IntN(3) == 0 {
			path, _, _ = strings.Cut(path, "?")
			path += fmt.Sprintf("?%s=%s", []string{"limit", "cursor", "operation", "outcome", "x", "%zz"}[random.IntN(6)], names[random.IntN(len(names))])
		}
		var body any
		if r.method == http.MethodPost {
			body = malformed(random, fields)
		}
		headers := []string{}
		if random.IntN(3) == 0 {
			headers = append(headers, []string{"If-Match", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Content-Type", "Accept"}[random.IntN(6)], []string{`"x"`, "*", ",,", "text/html", "\xff"}[random.IntN(5)])
		}
		method := []string{r.method, r.method, r.method, "PUT", "PATCH", "DELETE", "HEAD"}[random.IntN(7)]
		a := s.send(method, path, root, body, headers...)
		if a.StatusCode >= http.StatusInternalServerError && !strings.Contains(a.body, "no worker listens") || a.StatusCode < http.StatusOK || a.StatusCode >= 300 && a.StatusCode < 400 && a.StatusCode != 304 {
			t.Errorf("%s %v %q: %s: %s", a.what, body, headers, a.Status, a.body)
		}
		if (method == http.MethodPost || method == http.MethodDelete) && a.StatusCode < http.StatusBadRequest {
			t.Errorf("%s %v: %s: %s", a.what, body, a.Status, a.body)
		}
		if t.Failed() {
			break
		}
	}
	s.nothingStarted()
}
