package display

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

// local is a moment that every machine writes alike.
func local(seconds int) time.Time {
	return time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local).Add(time.Duration(seconds) * time.Second)
}

func TestALogTellsInOrderWhatHappened(t *testing.T) {
	var out strings.Builder
	entries := []operations.Entry{
		{At: local(0), Event: operations.EventStarted, Text: "started by ci@build"},
		{At: local(1), Step: "image", Event: operations.EventScheduled, Text: "push the image"},
		{At: local(9), Step: "image", Event: operations.EventAttempt, Attempt: 1, Text: "attempt 1 failed: the registry does not answer"},
		{At: local(12), Step: "image", Event: operations.EventSucceeded, Attempt: 2, Text: "PushImage took 11.0s (attempt 2)"},
		{At: local(30), Step: "identity-server", Event: operations.EventFailed, Text: "WaitWorkload failed: " + diagnosis + "\x1b[2J"},
		{At: local(31), Event: operations.EventPhase, Text: "phase paused"},
		{At: local(90), Step: "identity-server", Event: operations.EventDecision, Text: "retry-step identity-server by oncall: the quota is raised"},
	}
	for _, e := range entries {
		out.WriteString(LogEntry(e) + "\n")
	}
	golden(t, "log.txt", out.String())
}

func TestAHistoryIsATable(t *testing.T) {
	ended := local(83)
	var out bytes.Buffer
	err := History(&out, []operations.Operation{
		{Operation: "Deploy", ID: "0b51c3f0-0000-4000-8000-000000000003", StartedBy: "ci@build", Started: local(600), Phase: board.PhasePaused},
		{Operation: "Teardown", ID: "0b51c3f0-0000-4000-8000-000000000002", Started: local(300), Phase: ""},
		{Operation: "Deploy", ID: "0b51c3f0-0000-4000-8000-000000000001", StartedBy: "ann@laptop", Started: local(0), Ended: &ended, Outcome: board.OutcomeRolledBack},
	}, local(7000))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "history.txt", out.String())
}

func TestCommandsShowTheRestOfLogsThatAreQuoted(t *testing.T) {
	for name, test := range map[string]struct {
		texts []string
		want  []string
	}{
		"nothing is named":     {[]string{"the registry does not answer"}, nil},
		"a container":          {[]string{"Deployment apim/is is not ready: CrashLoopBackOff\nfrom the log of main in Pod apim/is-7d9-x2:\n  FATAL"}, []string{"kubectl -n apim logs is-7d9-x2 -c main"}},
		"a workload":           {[]string{"Deployment apim/is is not ready: ImagePullBackOff"}, []string{"kubectl -n apim logs deployment/is --all-containers"}},
		"a Job":                {[]string{"Job hook/certgen is not ready: JobFailed."}, []string{"kubectl -n hook logs job/certgen --all-containers"}},
		"each is named once":   {[]string{"Deployment apim/is: a", "Deployment apim/is: b", "Deployment apim/am: c"}, []string{"kubectl -n apim logs deployment/is --all-containers", "kubectl -n apim logs deployment/am --all-containers"}},
		"no command is a trap": {[]string{"Deployment apim/$(reboot) is bad"}, nil},
	} {
		if diff := cmp.Diff(test.want, PodLogs(test.texts...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
