package board

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/workflows/decision"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestTheBoardIsReadableInTheTemporalUI(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) *time.Time {
		moment := start.Add(time.Duration(s * float64(time.Second)))
		return &moment
	}
	golden(t, "board-compensating.md", Markdown(Status{
		Environment: "shop", Operation: "deploy", Phase: PhaseCompensating, Started: start,
		Steps: []StepStatus{
			{Name: "image", State: StateUndone, Started: at(0), Ended: at(2.34), Note: "pushed"},
			{Name: "gateway", State: StateCancelled, Started: at(1), Ended: at(4)},
			{Name: "identity-server", State: StateUndoing, Started: at(2.34), Ended: at(4),
				Error: "Deployment apim/is is not ready: CrashLoopBackOff\nexit 1 | no heap\nNext: raise the memory"},
			{Name: "report", State: StateWaiting},
		},
	}))
	golden(t, "board-paused.md", Markdown(Status{
		Environment: "shop", Operation: "deploy", Phase: PhasePaused, Started: start,
		Steps: []StepStatus{
			{Name: "identity-server", State: StatePaused, Started: at(0), Ended: at(2), Until: at(3600), Error: "no heap"},
			{Name: "api-manager", State: StateAwaitingApproval, Until: at(3600)},
			{Name: "verify", State: StatePaused, Started: at(0), Ended: at(2), Until: at(3600), Error: "no answer", Skippable: "it changes nothing"},
		},
		Decisions: []activities.Decision{{At: start, What: decision.UpdateRetry, Step: "identity-server", Reason: "more | heap", Changed: true}},
	}))
	golden(t, "board-ended.md", Markdown(Status{
		Environment: "shop", Operation: "deploy", Phase: PhaseEnded, Outcome: OutcomeRolledBack, Started: start, Ended: at(9),
		Error: "step image failed: no such base in registry.example.com/wso2is: name one that is there; all that this run did is undone",
		Steps: []StepStatus{{Name: "image", State: StateUndone, Started: at(0), Ended: at(2), Error: "no such base"}},
	}))
	golden(t, "board-done.md", Markdown(Status{
		Environment: "shop", Operation: "deploy", Phase: PhaseEnded, Outcome: OutcomeDone, Started: start, Ended: at(9),
		Steps:     []StepStatus{{Name: "report", State: StateDone, Started: at(0), Ended: at(9), Note: "13 steps"}},
		Decisions: []activities.Decision{{What: decision.UpdateApprove, Step: "report", By: "oncall", At: start, Reason: "see [here](https://elsewhere.example) <b>now</b>"}},
		Links:     []activities.Address{{Name: "Publisher", URL: "https://am.shop.example/publisher"}, {Name: "Admin portal", URL: "https://am.shop.example/admin"}},
	}))
}

func TestAMessageIsTheActivitysOwnWords(t *testing.T) {
	app := temporal.NewNonRetryableApplicationError("registry refuses: log in", "Unauthorized", nil)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"application error": {app, "registry refuses: log in"},
		"wrapped":           {errors.Join(errors.New("activity error"), app), "registry refuses: log in"},
		"plain":             {errors.New("no"), "no"},
		"timeout":           {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_HEARTBEAT, nil), "timed out (Heartbeat); is a worker running? raise the step's timeout if it was still at work"},
		"timeout after failed attempts": {temporal.NewTimeoutError(enumspb.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, app),
			"timed out (ScheduleToClose); the last attempt said: registry refuses: log in"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Message(test.err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
