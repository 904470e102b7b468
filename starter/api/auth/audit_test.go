package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// records are what the audit log got since it was asked last, without time.
func (g *gate) records() []map[string]any {
	g.t.Helper()
	var all []map[string]any
	for line := range strings.Lines(g.audited.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			g.t.Fatal(err)
		}
		delete(record, "time")
		all = append(all, record)
	}
	g.audited.Reset()
	return all
}

func TestARefusedRequestIsAuditedOnceWithWhoAskedWhatFromWhere(t *testing.T) {
	g := newGate(t, tokensFile())
	g.ask("guess", from("192.0.2.1:7"))
	want := []map[string]any{{"level": "WARN", "msg": "audit", "result": "refused", "from": "192.0.2.1", "method": "GET", "path": "/environments/dev",
		"status": 401.0, "reason": "the token is not known, or was withdrawn; ask the owner of the API's access file for a token"}}
	if diff := cmp.Diff(want, g.records()); diff != "" {
		t.Error(diff)
	}
	g.ask(ciToken, nil)
	if got := g.records(); len(got) != 0 {
		t.Errorf("a request that changed nothing was audited: %v", got)
	}
}

func TestARefusedActionAndAChangeAreAudited(t *testing.T) {
	g := newGate(t, tokensFile())
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if g.Authorize(r.Context(), Start("teardown"), "dev") == nil {
			t.Error("an operator may tear down")
		}
		if err := g.Authorize(r.Context(), Start("deploy"), "dev"); err != nil {
			t.Error(err)
		}
		g.Record(r.Context(), Change{Action: Start("deploy"), Environment: "dev", Operation: "environment/dev", Run: "r1"})
		g.Record(r.Context(), Change{Action: CancelOperation, Environment: "dev", Operation: "environment/dev", Err: errors.New("it has ended")})
	})
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/operations", nil)
	r.Header.Set("Authorization", "Bearer "+ciToken)
	g.Middleware(handler).ServeHTTP(httptest.NewRecorder(), r)
	record := func(more map[string]any) map[string]any {
		all := map[string]any{"msg": "audit", "who": "ci", "via": "token", "from": "192.0.2.1", "method": "POST", "path": "/operations", "environment": "dev"}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	want := []map[string]any{
		record(map[string]any{"level": "WARN", "result": "refused", "action": "start.teardown", "reason": `starting teardown on "dev" needs the role admin there, ` +
			`and token "ci" has only operator; the owner of the API's access file can grant it with {role: admin, environments: ["dev"]} in the grants of token "ci"`}),
		record(map[string]any{"level": "INFO", "result": "done", "action": "start.deploy", "operation": "environment/dev", "run": "r1"}),
		record(map[string]any{"level": "WARN", "result": "failed", "action": "operation.cancel", "operation": "environment/dev", "reason": "it has ended"}),
	}
	if diff := cmp.Diff(want, g.records()); diff != "" {
		t.Error(diff)
	}
}

func TestNoTokenIsEverWrittenAnywhere(t *testing.T) {
	g := newGate(t, tokensFile("limits: {failuresPerMinute: 2}\n"))
	const secret = "S3cret-that-must-not-show"
	var answers strings.Builder
	for _, header := range []string{"Bearer " + secret, "Bearer " + secret + ".a.b", "Bearer \"" + secret, "Basic " + secret, secret} {
		w := g.ask("", func(r *http.Request) { r.Header.Set("Authorization", header) })
		answers.WriteString(w.Body.String())
	}
	g.write("tokens:\n- {name: ci, sha256: " + secret + ", grants: [{role: reader, environments: [dev]}]}\n- {name: b, sha256: 123456}\n- {name: c, token: " + secret + "}\n")
	g.clock.pass(time.Second)
	g.ask(ciToken, nil)
	for where, text := range map[string]string{"answers": answers.String(), "audit": g.audited.String(), "log": g.log.String()} {
		if text == "" || strings.Contains(text, secret) || strings.Contains(text, "123456") {
			t.Errorf("%s: %s", where, text)
		}
	}
}
