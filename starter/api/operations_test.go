package api

import (
	"net/http"
	"strings"
	"testing"

	"lockstep/workflows/board"
)

func TestOperationsAreStartedFoundAndEnded(t *testing.T) {
	s := running(t)
	_, other := s.replica(s.options)

	t.Run("environments are those of the folder that one may read", func(t *testing.T) {
		s.t = t
		s.get("/v1/environments", reader).wants(http.StatusOK, `"name":"dev"`, `"name":"broken"`, "environments/dev/operations")
		if a := s.get("/v1/environments", reader); strings.Contains(a.body, "elsewhere") {
			t.Errorf("a reader of others sees %s", a.body)
		}
		if a := s.get("/v1/environments", stranger).wants(http.StatusOK, "elsewhere"); strings.Contains(a.body, `"dev"`) {
			t.Errorf("a stranger sees %s", a.body)
		}
	})

	t.Run("an environment has its defaults, or all that is wrong with it, and an ETag", func(t *testing.T) {
		s.t = t
		a := s.get("/v1/environments/dev", reader).wants(http.StatusOK, `"valid":true`, `"chart":{"repository":"https://helm.wso2.com"`)
		tag := a.Header.Get("ETag")
		if again := s.sendTo(other, http.MethodGet, "/v1/environments/dev", reader, nil); again.body != a.body || again.Header.Get("ETag") != tag {
			t.Errorf("another server says %s %s", again.Header.Get("ETag"), again.body)
		}
		for _, header := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			s.send(http.MethodGet, "/v1/environments/dev", reader, nil, "If-None-Match", header).wants(http.StatusNotModified)
		}
		s.send(http.MethodGet, "/v1/environments/dev", reader, nil, "If-None-Match", `"other"`).wants(http.StatusOK)
		s.get("/v1/environments/broken", reader).wants(http.StatusOK, `"valid":false`, `"path":"speed"`, `"path":"namespace"`, `"line":4`)
	})

	t.Run("a wrong environment starts nothing and says all that is wrong", func(t *testing.T) {
		s.t = t
		s.send(http.MethodPost, "/v1/environments/broken/operations", operator, map[string]any{"operation": "deploy"}).
			wants(http.StatusUnprocessableEntity, "urn:lockstep:problem:invalid-environment", `"location":"speed"`, `"location":"namespace"`, "nothing was started")
		s.send(http.MethodPost, "/v1/environments/dev/operations", root, map[string]any{"operation": "deploy", "overrides": map[string]any{"namespace": "Not A Name", "name": "prod"}}).
			wants(http.StatusUnprocessableEntity, `"location":"namespace"`)
		s.nothingStarted()
	})

	t.Run("an operation is started, found and has a result", func(t *testing.T) {
		s.t = t
		a := s.send(http.MethodPost, "/v1/environments/dev/operations", root, map[string]any{"operation": "verify", "options": map[string]any{"level": "token"}, "overrides": map[string]any{"timeouts": map[string]any{"gateway": "7m"}}}).
			wants(http.StatusAccepted, `"operation":"verify"`, `"startedBy":"token \"root\""`)
		d := s.until(a.Header.Get("Location"), "verified", ended)
		if d.Outcome != board.OutcomeDone || !strings.Contains(string(d.Result), "at level token") || len(d.Board.Steps) == 0 {
			t.Errorf("%+v", d)
		}
		mine, others := s.get(a.Header.Get("Location"), reader), s.sendTo(other, http.MethodGet, a.Header.Get("Location"), reader, nil)
		if mine.body != others.body {
			t.Errorf("another server says\n%s, this one\n%s", others.body, mine.body)
		}
		s.get("/v1/environments", reader).wants(http.StatusOK, d.ID)
		s.get("/v1/environments/slow/operations/"+d.ID, reader).wants(http.StatusNotFound, "does not know operation")
	})

	t.Run("a busy environment says who holds it, a key makes a start the same operation", func(t *testing.T) {
		s.t = t
		body := map[string]any{"operation": "verify"}
		first := s.send(http.MethodPost, "/v1/environments/slow/operations", operator, body, "Idempotency-Key", "one").wants(http.StatusAccepted)
		location := first.Header.Get("Location")
		again := s.sendTo(other, http.MethodPost, "/v1/environments/slow/operations", operator, `{ "options": {}, "operation": "verify" }`, "Idempotency-Key", "one").wants(http.StatusAccepted)
		if again.Header.Get("Location") != location || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("sent again: %s, want %s", again.Header, location)
		}
		s.send(http.MethodPost, "/v1/environments/slow/operations", operator, map[string]any{"operation": "deploy"}, "Idempotency-Key", "one").
			wants(http.StatusUnprocessableEntity, "the idempotency key belongs to another request")
		// The same key of somebody else is another key.
		busy := parsed[Busy](s.send(http.MethodPost, "/v1/environments/slow/operations", admin, body, "Idempotency-Key", "one").wants(http.StatusConflict, "environment-busy", "Verify has been running since"))
		if busy.Holder == nil || busy.Holder.Links.Self != location || busy.Holder.StartedBy != `token "operator"` || busy.Holder.Started.IsZero() {
			t.Errorf("held by %+v", busy.Holder)
		}
		s.until(location, "under way", func(d OperationDetails) bool { return d.Doing["verify"] == "still at it" || len(d.Doing) > 0 })
		s.send(http.MethodPost, location+"/cancel", operator, nil).wants(http.StatusAccepted, "it is cancelling")
		d := s.until(location, "cancelled", ended)
		if d.Outcome != board.OutcomeRolledBack || !strings.Contains(d.Error, "cancelled") {
			t.Errorf("%+v", d)
		}
		s.send(http.MethodPost, location+"/cancel", operator, nil).wants(http.StatusConflict, "no operation runs")
		again = s.send(http.MethodPost, "/v1/environments/slow/operations", operator, body, "Idempotency-Key", "one").wants(http.StatusAccepted)
		if again.Header.Get("Location") != location {
			t.Error("once it has ended, the key is of another operation")
		}
	})

	t.Run("who saw another environment starts nothing", func(t *testing.T) {
		s.t = t
		seen := s.get("/v1/environments/dev", reader).Header.Get("ETag")
		s.environment("dev", "timeouts: {gateway: 6m}\n")
		now := s.get("/v1/environments/dev", reader).Header.Get("ETag")
		before := s.newest("dev")
		s.send(http.MethodPost, "/v1/environments/dev/operations", operator, map[string]any{"operation": "verify"}, "If-Match", seen).wants(http.StatusPreconditionFailed, "has changed since you saw it")
		s.send(http.MethodPost, "/v1/environments/dev/operations", operator, map[string]any{"operation": "verify"}, "If-Match", "W/"+now).wants(http.StatusPreconditionFailed)
		if after := s.newest("dev"); after != before {
			t.Errorf("%s was started", after)
		}
		s.until(s.start("dev", operator, map[string]any{"operation": "verify"}, "If-Match", now), "verified", ended)
	})

	t.Run("a list goes on where a page ended, on any server, and its cursor leads nowhere else", func(t *testing.T) {
		s.t = t
		s.until(s.start("dev", operator, map[string]any{"operation": "verify"}), "verified", ended)
		const path = "/v1/environments/dev/operations?limit=1&operation=verify"
		type page struct {
			Operations []Operation
			Cursor     string
		}
		var seen []string
		eventually(t, "three operations in the index", func() bool {
			seen = nil
			p := parsed[page](s.get(path, reader).wants(http.StatusOK))
			for len(p.Operations) > 0 {
				seen = append(seen, p.Operations[0].ID)
				if p.Cursor == "" {
					break
				}
				p = parsed[page](s.sendTo(other, http.MethodGet, path+"&cursor="+p.Cursor, reader, nil).wants(http.StatusOK))
			}
			return len(seen) == 3
		})
		if seen[0] == seen[1] || seen[1] == seen[2] {
			t.Errorf("%q", seen)
		}
		cursor := parsed[page](s.get(path, reader)).Cursor
		s.get("/v1/environments/slow/operations?limit=1&operation=verify&cursor="+cursor, reader).wants(http.StatusUnprocessableEntity, "it does not belong to this list")
		s.get("/v1/environments/dev/operations?limit=1&cursor="+cursor, reader).wants(http.StatusUnprocessableEntity, "it does not belong to this list")
		s.get(path+"&cursor=A"+cursor[1:], reader).wants(http.StatusUnprocessableEntity, "it does not belong to this list")
		s.get("/v1/environments/dev/operations?outcome=failed", reader).wants(http.StatusOK, `"operations":[]`)
		s.get("/v1/environments/gone/operations", reader).wants(http.StatusNotFound, "there is no environment")
	})

	t.Run("what changed, or was to, is in the audit log", func(t *testing.T) {
		for _, text := range []string{"result=done who=operator", "action=start.verify environment=slow operation=environment/slow run=", "detail=repeated",
			"action=operation.cancel", "has changed since you saw it", "is busy"} {
			if !strings.Contains(s.audited.String(), text) {
				t.Errorf("no %q in\n%s", text, s.audited)
			}
		}
	})
}

// nothingStarted fails if Temporal knows of any operation.
func (s *site) nothingStarted() {
	s.t.Helper()
	for _, name := range []string{"dev", "slow", "paused", "broken", "elsewhere", "gone"} {
		if _, err := s.options.Operations.Get(s.t.Context(), name, ""); err == nil {
			s.t.Errorf("something was started on %s", name)
		}
	}
}

// newest is the id of the last operation on an environment that had one.
func (s *site) newest(environment string) string {
	s.t.Helper()
	last, err := s.options.Operations.Get(s.t.Context(), environment, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return last.ID
}

func TestDecisionsAreMadeByWhoAsks(t *testing.T) {
	s := running(t)
	location := s.start("paused", operator, map[string]any{"operation": "deploy"})
	d := s.until(location, "paused", func(d OperationDetails) bool { return len(d.Choices) > 0 })
	if d.Choices[0] != (Choice{"retry-step", "identity-server"}) || d.Choices[1] != (Choice{Decision: "rollback"}) || d.Phase != board.PhasePaused {
		t.Errorf("%s: %+v", d.Phase, d.Choices)
	}
	decide := func(token string, body map[string]any) answer {
		return s.send(http.MethodPost, location+"/decisions", token, body)
	}
	for _, c := range []struct {
		body   map[string]any
		status int
		says   string
	}{
		{map[string]any{"decision": "skip-step", "step": "identity-server"}, 422, "needs a reason"},
		{map[string]any{"decision": "skip-step", "reason": "hurry"}, 422, "needs a step"},
		{map[string]any{"decision": "skip-step", "step": "identity-server", "reason": "hurry"}, 409, "cannot be skipped"},
		{map[string]any{"decision": "approve", "step": "verify", "reason": "yes"}, 409, "no step awaits its approval"},
		{map[string]any{"decision": "retry-step", "step": "identitiy-server"}, 409, "there is no step"},
		{map[string]any{"decision": "rollback", "step": "identity-server"}, 422, "leave the step out"},
		{map[string]any{"decision": "approve", "step": "verify", "reason": "yes", "fromFile": true}, 422, "only retry-step takes"},
		{map[string]any{"decision": "rollback", "overrides": map[string]any{"namespace": "a"}}, 403, "role admin on all environments"},
	} {
		decide(operator, c.body).wants(c.status, c.says)
	}
	decide(root, map[string]any{"decision": "retry-step", "overrides": map[string]any{"namespace": "elsewhere"}}).wants(http.StatusConflict, "stays paused")

	s.environment("paused", "onFailure: pause\napprovals: [verify]\nspeed: high\n")
	decide(operator, map[string]any{"decision": "retry-step", "fromFile": true}).wants(http.StatusUnprocessableEntity, `"location":"speed"`, "nothing was decided")
	s.environment("paused", "onFailure: pause\napprovals: [verify]\ntimeouts: {identityServer: 42m}\n")
	decide(operator, map[string]any{"decision": "retry-step", "fromFile": true, "reason": "mended"}).wants(http.StatusOK, "all steps are carried out again")
	s.until(location, "an approval is waited for", func(d OperationDetails) bool {
		return len(d.Choices) == 2 && d.Choices[0] == Choice{"approve", "verify"}
	})
	decide(admin, map[string]any{"decision": "approve", "step": "verify", "reason": "the window is open"}).wants(http.StatusOK, `"next":"step verify begins"`)
	d = s.until(location, "deployed", ended)
	if len(d.Board.Decisions) != 2 || d.Board.Decisions[0].By != `token "operator"` || d.Board.Decisions[1].By != `token "admin"` {
		t.Errorf("%+v", d.Board.Decisions)
	}
	decide(admin, map[string]any{"decision": "rollback"}).wants(http.StatusConflict, "no operation runs")
	if !strings.Contains(s.audited.String(), `detail="approve verify; reason \"the window is open\""`) {
		t.Errorf("the audit log does not say what was decided:\n%s", s.audited)
	}
}
