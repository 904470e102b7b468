package display

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/activities"
	"lockstep/config/settings"
	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

var update = flag.Bool("update", false, "write golden files anew")

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

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) *time.Time {
	moment := start.Add(time.Duration(seconds * float64(time.Second)))
	return &moment
}

const diagnosis = "Deployment apim/is-identity-server is not ready: CrashLoopBackOff\njava.lang.OutOfMemoryError\nNext: raise the memory limit"

// operation is a deployment in one of its phases.
func operation(phase, outcome string, ended *time.Time, steps ...board.StepStatus) operations.View {
	return operations.View{Status: board.Status{Environment: "shop", Operation: "deploy", Phase: phase, Outcome: outcome, Started: start, Ended: ended, Steps: steps}}
}

func views() map[string]operations.View {
	preflight := board.StepStatus{Name: "preflight", Summary: "check the cluster", State: board.StateDone, Started: at(0), Ended: at(1.5), Note: "Kubernetes v1.35.4; 6 charts and images found"}
	image := board.StepStatus{Name: "image", Summary: "build and push the image", Needs: []string{"preflight"}}
	is := board.StepStatus{Name: "identity-server", Summary: "install Identity Server", Needs: []string{"image", "preflight"}}
	in := func(s board.StepStatus, state string, began, ended *time.Time, failure string) board.StepStatus {
		s.State, s.Started, s.Ended, s.Error = state, began, ended, failure
		return s
	}
	running := operation(board.PhaseRunning, "", nil, preflight, in(image, board.StateRunning, at(1.5), nil, ""), in(is, board.StateWaiting, nil, nil, ""))
	running.Doing = map[string]string{"image": "pushing layer 3 of 7\nsecond line"}
	skippable := board.StepStatus{Name: "verify", State: board.StatePaused, Started: at(2), Ended: at(3), Error: "no answer", Skippable: "it changes nothing"}
	begun := preflight
	begun.State, begun.Started, begun.Ended, begun.Note = board.StateWaiting, nil, nil, ""
	return map[string]operations.View{
		"waiting": operation(board.PhaseRunning, "", nil, begun, in(image, board.StateWaiting, nil, nil, ""), in(is, board.StateWaiting, nil, nil, "")),
		"running": running,
		"failed": operation(board.PhaseEnded, board.OutcomeFailed, at(9), preflight,
			in(image, board.StateCancelled, at(1.5), at(4), ""), in(is, board.StateFailed, at(1.5), at(4), diagnosis)),
		"undoing": operation(board.PhaseCompensating, "", nil, preflight,
			in(image, board.StateUndoing, at(1.5), at(4), ""), in(is, board.StateUndone, at(1.5), at(4), diagnosis)),
		"rolled-back": operation(board.PhaseEnded, board.OutcomeRolledBack, at(9), preflight,
			in(image, board.StateUndone, at(1.5), at(4), ""), in(is, board.StateWaiting, nil, nil, "")),
		"undo-failed": operation(board.PhaseEnded, board.OutcomeFailed, at(9), preflight,
			in(image, board.StateUndoFailed, at(1.5), at(4), "undo: the registry does not delete"), in(is, board.StateUndone, at(1.5), at(4), diagnosis)),
		"paused": waiting(operation(board.PhasePaused, "", nil, preflight, in(image, board.StateAwaitingApproval, nil, nil, ""),
			in(is, board.StatePaused, at(1.5), at(4), diagnosis), skippable)),
		"skipped": operation(board.PhaseEnded, board.OutcomeDone, at(9), preflight,
			board.StepStatus{Name: "verify", State: board.StateSkipped, Started: at(2), Ended: at(3), Error: diagnosis, Note: "skipped by oncall: firewall"}),
		"awaiting-approval": waiting(operation(board.PhaseAwaitingApproval, "", nil, preflight, in(image, board.StateAwaitingApproval, nil, nil, ""),
			in(is, board.StateWaiting, nil, nil, ""))),
		"refused": operation(board.PhaseEnded, board.OutcomeRefused, at(2), in(begun, board.StateFailed, at(0), at(1.5), "nothing is there"),
			in(image, board.StateWaiting, nil, nil, "")),
		"done": operation(board.PhaseEnded, board.OutcomeDone, at(83), preflight,
			in(image, board.StateDone, at(1.5), at(22.25), ""), in(is, board.StateDone, at(22.25), at(83), "")),
	}
}

// waiting gives the steps that wait for a decision the end of an hour.
func waiting(v operations.View) operations.View {
	for i, row := range v.Status.Steps {
		if row.State == board.StatePaused || row.State == board.StateAwaitingApproval {
			until := time.Date(2026, 1, 1, 13, 0, 0, 0, time.Local)
			v.Status.Steps[i].Until = &until
		}
	}
	return v
}

// large is a deployment of many steps.
func large() operations.View {
	v := operation(board.PhaseRunning, "", nil)
	for i := range 12 {
		row := board.StepStatus{Name: fmt.Sprintf("step-%d", i), State: board.StateDone, Started: at(float64(i)), Ended: at(float64(i) + 1)}
		switch {
		case i == 2:
			row.State, row.Error = board.StateFailed, diagnosis
		case i == 6:
			row.State, row.Ended, row.Summary = board.StateRunning, nil, "install it"
		case i > 7:
			row.State, row.Started, row.Ended, row.Needs = board.StateWaiting, nil, nil, []string{"step-6"}
		}
		v.Status.Steps = append(v.Status.Steps, row)
	}
	return v
}

// wide is one whose steps say things that are not as they look: wide characters, and what moves cursors.
func wide() operations.View {
	v := views()["running"]
	v.Doing["image"] = "推送映像中 \x1b[31mred\x1b[0m\a e\u0301t\u00e9 \tpushing 第三层"
	return v
}

func TestTheTableShowsEveryState(t *testing.T) {
	for name, view := range views() {
		golden(t, name+".txt", strings.Join(Table(view, *at(6), Style{Width: 100}), "\n")+"\n")
	}
	golden(t, "paused-narrow.txt", strings.Join(Table(views()["paused"], *at(6), Style{Width: 32}), "\n")+"\n")
	golden(t, "running-narrow.txt", strings.Join(Table(views()["running"], *at(6), Style{Width: 32}), "\n")+"\n")
	golden(t, "paused-low.txt", strings.Join(Table(views()["paused"], *at(6), Style{Width: 60, Height: 5}), "\n")+"\n")
	golden(t, "large.txt", strings.Join(Table(large(), *at(150), Style{Width: 100}), "\n")+"\n")
	golden(t, "large-low.txt", strings.Join(Table(large(), *at(150), Style{Width: 100, Height: 6}), "\n")+"\n")
	golden(t, "wide-characters.txt", strings.Join(Table(wide(), *at(6), Style{Width: 40}), "\n")+"\n")
	golden(t, "failed-in-colour.txt", strings.Join(Table(views()["failed"], *at(6), Style{Width: 40, Color: true}), "\n")+"\n")
}

func TestTheDiagnosisIsWhole(t *testing.T) {
	all := views()
	if got := Diagnosis(all["undoing"].Status); got != "identity-server: "+diagnosis {
		t.Errorf("under way: %q", got)
	}
	ended := all["undoing"].Status
	ended.Error = "step identity-server failed: " + diagnosis
	if got := Diagnosis(ended); got != ended.Error {
		t.Errorf("ended: %q", got)
	}
	if got := Diagnosis(all["done"].Status); got != "" {
		t.Errorf("done: %q", got)
	}
}

func TestWithoutATerminalThereIsOneLinePerChange(t *testing.T) {
	var out bytes.Buffer
	screen := NewScreen(&out, settings.Terminal{})
	all := views()
	running := all["running"]
	for tenth := range 100 { // time passes and nothing changes
		screen.Show(running, start.Add(time.Duration(tenth)*100*time.Millisecond))
	}
	running.Doing = map[string]string{"image": "pushing layer 4 of 7"}
	screen.Show(running, *at(11))
	screen.Show(running, *at(12))
	screen.Show(all["paused"], *at(12.5))
	screen.Show(all["paused"], *at(12.6))
	screen.Show(all["undoing"], *at(13))
	screen.Show(all["rolled-back"], *at(14))
	screen.Close()
	golden(t, "lines.txt", out.String())
}

func TestTroubleIsToldOnceUntilThereIsNewsAgain(t *testing.T) {
	var out bytes.Buffer
	screen := NewScreen(&out, settings.Terminal{})
	for range 3 {
		screen.Trouble("no worker")
	}
	screen.Show(views()["waiting"], *at(1))
	screen.Trouble("no worker")
	if got := strings.Count(out.String(), "no worker"); got != 2 {
		t.Errorf("told %d times: %q", got, out.String())
	}
}

func TestTheReportSaysWhereEverythingIs(t *testing.T) {
	var out bytes.Buffer
	err := Report(&out, activities.Report{
		Environment: "shop", Namespace: "apim", Kubernetes: "v1.35.4",
		Consoles:   []activities.Address{{Name: "Publisher", URL: "https://am.shop.test/publisher"}, {Name: "Admin portal", URL: "https://am.shop.test/admin"}},
		GatewayURL: "https://gw.shop.test", Address: "192.0.2.7", Port: 30443, Hosts: "192.0.2.7 am.shop.test gw.shop.test",
		Issuer: "https://km.shop.test/oauth2/token", KeyManager: "0b51", Image: "registry.shop.test/wso2is@sha256:1",
		Releases: map[string]activities.Release{
			"identity-server": {Revision: 1, ChartVersion: "7.2.0-1", ChartDigest: "sha256:2"},
			"api-manager":     {Revision: 3, ChartVersion: "4.7.0-1", ChartDigest: "sha256:3"},
		},
		Certificates:  []activities.Expiry{{Where: "tls.jks", Ends: *at(1e7)}, {Where: "gateway-tls", Ends: *at(1e6)}},
		AdminUsername: "admin", AdminPassword: "kubectl get secret lockstep-credentials -n apim",
		Verified: []string{"an API answers to a token", "a revoked token is refused"}, Warnings: []string{"H2 loses its data with the pod"},
		Decisions:    []activities.Decision{{At: time.Date(2026, 1, 1, 12, 0, 30, 0, time.Local), What: "approve", Step: "api-manager", By: "oncall", Reason: "the window is open"}},
		Durations:    []activities.StepDuration{{Step: "preflight", Took: 1.25}, {Step: "api-manager", Took: 40}},
		CriticalPath: activities.CriticalPath{Steps: []string{"preflight", "api-manager"}, Took: 41.25, Makespan: 42},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.String())
}

func TestAGatewayWithoutAnAddressSaysSo(t *testing.T) {
	var out bytes.Buffer
	if err := Report(&out, activities.Report{}); err != nil || !strings.Contains(out.String(), "none yet") || strings.Contains(out.String(), "/etc/hosts") {
		t.Errorf("%v: %s", err, out.String())
	}
}
