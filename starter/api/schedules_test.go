package api

import (
	"net/http"
	"strings"
	"testing"

	"lockstep/config/clusters"
)

func TestSchedulesAreAppliedFromTheFile(t *testing.T) {
	s := running(t)
	const path = "/v1/environments/dev/schedules"
	s.environment("dev", "schedules:\n  - {name: nightly, operation: verify, cron: '0 2 * * *', timeZone: Europe/Berlin, options: {level: health}}\n")
	s.get(path, reader).wants(http.StatusOK, `{"schedules":[]}`)
	s.send(http.MethodPut, path+"?dryRun=true", reader, nil).wants(http.StatusOK, `"dryRun":true`, `"action":"create"`)
	s.get(path+"/nightly", reader).wants(http.StatusNotFound, "has no schedule")
	s.send(http.MethodPut, path, admin, nil, "If-Match", `"what was"`).wants(http.StatusPreconditionFailed, "has changed since you saw it")
	s.send(http.MethodPut, path, admin, nil, "If-Match", s.get("/v1/environments/dev", reader).Header.Get("ETag")).wants(http.StatusOK, `"dryRun":false`, `"action":"create"`)
	s.send(http.MethodPut, path, admin, nil).wants(http.StatusOK, `"action":"unchanged"`)
	s.elsewhere(clusters.Options{TaskQueue: "another"}).send(http.MethodPut, path, admin, nil).wants(http.StatusOK, `"action":"unchanged"`) // its queue stays
	eventually(t, "the schedule is listed", func() bool { return strings.Contains(s.get(path, reader).body, `"cron":"0 2 * * *"`) })
	a := s.get(path+"/nightly", reader).wants(http.StatusOK, `"operation":"verify"`, "/schedules/environment%2Fdev%2Fnightly")
	s.send(http.MethodGet, path+"/nightly", reader, nil, "If-None-Match", a.Header.Get("ETag")).wants(http.StatusNotModified)

	s.send(http.MethodPost, path+"/nightly/pause", admin, map[string]any{}).wants(http.StatusUnprocessableEntity, "body")
	s.send(http.MethodPost, path+"/nightly/pause", admin, map[string]any{"reason": "holidays"}).wants(http.StatusOK, "until it is resumed")
	eventually(t, "it is paused, and says by whom", func() bool {
		body := s.get(path+"/nightly", reader).body
		return strings.Contains(body, `"paused":true`) && strings.Contains(body, `by token \"admin\": holidays`)
	})
	s.send(http.MethodPost, path+"/nightly/resume", admin, nil).wants(http.StatusOK)
	s.send(http.MethodPost, path+"/nightly/trigger", operator, nil).wants(http.StatusAccepted, `"workflow":"schedule/dev/nightly`)
	eventually(t, "what came of it: the worker of this test has no folder of environments", func() bool {
		return strings.Contains(s.get(path+"/nightly", reader).body, "no folder of environments is set")
	})

	s.environment("dev", "speed: high\n")
	s.send(http.MethodPut, path, admin, nil).wants(http.StatusUnprocessableEntity, `"location":"speed"`, "nothing was applied")
	s.send(http.MethodDelete, path+"/nightly", admin, nil).wants(http.StatusOK, "a running operation goes on")
	s.get("/v1/environments/gone/schedules", reader).wants(http.StatusNotFound, "there is no environment")
	for _, text := range []string{"action=schedule.change environment=dev operation=environment/dev/nightly detail=\"pause; reason", "action=schedule.trigger", "detail=apply"} {
		if !strings.Contains(s.audited.String(), text) {
			t.Errorf("no %q in\n%s", text, s.audited)
		}
	}
}
