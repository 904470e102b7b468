package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/image"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"
	"lockstep/workflows/saga"
	"lockstep/workflows/workflowstest"
)

// pausing is an environment whose failures pause.
func pausing(t *testing.T) config.Environment {
	t.Helper()
	env := quickstart(t)
	env.OnFailure = config.OnFailurePause
	return env
}

// update sends an Update at some time after the start and keeps its answer.
func (o *trial) update(at time.Duration, name string, input any, answer *string) {
	o.RegisterDelayedCallback(func() {
		o.UpdateWorkflow(name, fmt.Sprintf("%p", answer), &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { *answer = board.Message(err) },
			OnComplete: func(result any, err error) {
				if err != nil {
					*answer = board.Message(err)
					return
				}
				*answer = result.(decision.Answer).Next
			},
		}, input)
	}, at)
}

// readyAfter fails the wait for Identity Server until it was tried that often.
func (o *trial) readyAfter(tries int) {
	made := 0
	o.on("WaitWorkload", 0, func(_ context.Context, in activities.WaitInput) error {
		if in.Component != component.IdentityServer {
			return nil
		}
		if made++; made <= tries {
			return call.Failed(failure.NotReady, "startup probe failed; raise timeouts.identityServer")
		}
		return nil
	})
}

func TestAPausedDeploymentGoesOnInAChangedEnvironmentAndRemembersItsFirstLook(t *testing.T) {
	o := newOperation(t, canonicalID)
	changed := pausing(t)
	changed.Timeouts.IdentityServer = config.Duration(42 * time.Minute)
	o.readyAfter(2)
	looks := 0
	o.on("LookImage", 0, func(context.Context, activities.Input) (image.State, error) {
		looks++
		return image.State{Lacked: fmt.Sprint("look ", looks)}, nil
	})
	o.on("CollectReport", 0, reportOf)
	var first, second, third string
	o.update(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(changed), By: "oncall", Reason: "slow disks"}, &first)
	o.update(time.Hour, decision.UpdateRetry, decision.RetryStep{}, &second)
	o.update(time.Hour, decision.UpdateRetry, decision.RetryStep{}, &third)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(pausing(t))})
	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(first, "carried out again") || !strings.Contains(second, "tried again") || !strings.Contains(third, "no step is paused") {
		t.Errorf("%q, %q, %q", first, second, third)
	}
	if looks != 1 {
		t.Errorf("the image was looked for %d times", looks)
	}
	if len(report.Decisions) != 2 || !report.Decisions[0].Changed || report.Decisions[0].By != "oncall" {
		t.Errorf("decisions in the report: %+v", report.Decisions)
	}
	builds := 0
	for _, b := range o.begun {
		if b.name == "BuildImage" {
			builds++
			if got := strings.Contains(b.input, `"identityServer":"42m"`); got != (builds > 1) {
				t.Errorf("build %d in the changed environment: %t", builds, got)
			}
		}
	}
	if builds != 2 { // once in each environment; the try without a change was of Identity Server alone
		t.Errorf("%d builds", builds)
	}
}

func TestWhoGivesUpGetsItUndoneEvenWhereFailuresAreKept(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.OnFailure, env.Approvals = config.OnFailureKeep, []string{component.APIManager}
	var answer string
	o.update(time.Minute, decision.UpdateRollback, decision.Rollback{By: "oncall", Reason: "not today"}, &answer)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	if err := o.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "all that this run did is undone") || o.board().Outcome != board.OutcomeRolledBack {
		t.Errorf("%v, outcome %s", err, o.board().Outcome)
	}
}

func TestAStepThatLookedInTheOldEnvironmentLooksAgainInTheChangedOne(t *testing.T) {
	o := newOperation(t, canonicalID)
	failed := false
	o.on("ApplyCRDs", 0, func(context.Context, activities.Input) (string, error) {
		if !failed {
			failed = true
			return "", call.Failed(failure.InvalidConfig, "no")
		}
		return "", nil
	})
	var targets []string // looked at
	o.on("LookImage", 10*time.Minute, func(_ context.Context, in activities.Input) (image.State, error) {
		targets = append(targets, in.Env.Image.Target)
		return image.State{}, nil
	})
	var built []string
	o.on("BuildImage", 0, func(_ context.Context, in activities.Input) (activities.Image, error) {
		built = append(built, in.Env.Image.Target)
		return activities.Image{}, nil
	})
	o.on("CollectReport", 0, reportOf)
	changed := pausing(t)
	changed.Image.Target = "registry.lockstep.test/other:1"
	var answer string
	o.update(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(changed), By: "oncall", Reason: "another name"}, &answer)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(pausing(t))})
	if err := o.GetWorkflowError(); err != nil || !strings.Contains(answer, "carried out again") {
		t.Fatalf("%v, %q", err, answer)
	}
	if !slices.Equal(targets, []string{"registry.lockstep.test/wso2is-km:7.2.0", changed.Image.Target}) || !slices.Equal(built, []string{changed.Image.Target}) {
		t.Errorf("looked at %q, built %q", targets, built)
	}
}

func TestWhatARunHasUsedCannotChange(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.readyAfter(9)
	changed := pausing(t)
	changed.Namespace, changed.Image.Target, changed.Hostnames.Gateway = "elsewhere", "registry.lockstep.test/other:1", "other.lockstep.test"
	changed.KeyManager.Name = "OTHER" // API Manager has been looked at
	changed.Approvals = []string{"verify"}
	unnamed := pausing(t)
	unnamed.Name = "other"
	invalid := pausing(t)
	invalid.OnFailure = "pawse"
	var refusedFor, renamed, wrong, done string
	o.update(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(changed)}, &refusedFor)
	o.update(2*time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(unnamed)}, &renamed)
	o.update(3*time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(invalid)}, &wrong)
	o.update(4*time.Minute, decision.UpdateRollback, decision.Rollback{By: "oncall"}, &done)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(pausing(t))})
	for _, text := range []string{"step identity-server stays paused", `namespace: this run has used "apim" already, so it cannot become "elsewhere"`,
		`image.target: this run has used "registry.lockstep.test/wso2is-km:7.2.0" already`, `hostnames.gateway: this run has used "gw.lockstep.test"`,
		`keyManager.name`, `approvals: this run has used [] already, so it cannot become [verify]`, "roll back and deploy the changed file"} {
		if !strings.Contains(refusedFor, text) {
			t.Errorf("%q is not in %q", text, refusedFor)
		}
	}
	if !strings.Contains(renamed, `name: this run has used "quickstart"`) || !strings.Contains(wrong, "did you mean pause?") {
		t.Errorf("%q, %q", renamed, wrong)
	}
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeRolledBack || !strings.Contains(err.Error(), "rolled back by oncall") {
		t.Errorf("%s: %v", done, err)
	}
}

func TestWhatNoStepHasUsedYetMayChange(t *testing.T) {
	before := pausing(t)
	after := before
	after.Image.Target, after.Routing.Gateway, after.Timeouts.Gateway, after.IdentityServer.Replicas = "registry.test/other:1", "other", 1, 2
	began := func(steps ...string) func(string) bool {
		return func(step string) bool { return slices.Contains(steps, step) }
	}
	for _, test := range []struct {
		began []string
		says  []string
	}{
		{[]string{"preflight"}, nil},
		{[]string{"image"}, []string{"image.target: "}},
		{[]string{"image", "gateway"}, []string{"image.target: ", "routing.gateway: "}},
	} {
		got := saga.Differences(before, after, newDeployment(&run{env: before}).frozen(began(test.began...)))
		for _, field := range []string{"image.target: ", "routing.gateway: ", "timeouts", "identityServer"} {
			if strings.Contains(got, field) != slices.Contains(test.says, field) {
				t.Errorf("after %q: %q", test.began, got)
			}
		}
	}
}

func TestADeploymentWithoutItsProofWarns(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Verify", time.Second, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{}, call.Failed(failure.Refused, "the gateway is not reachable from here")
	})
	o.on("CollectReport", time.Second, func(context.Context, activities.ReportInput) (activities.Report, error) {
		return activities.Report{}, call.Failed(failure.Unauthorized, "forbidden")
	})
	var verify, image, report string
	o.update(time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "image", By: "oncall", Reason: "no"}, &image)
	o.update(2*time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "verify", By: "oncall", Reason: "firewall"}, &verify)
	o.update(3*time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "report", By: "deputy", Reason: "enough"}, &report)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(pausing(t))})
	var result activities.Report
	if err := o.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	want := []string{"step verify was skipped by oncall: firewall; it had failed: the gateway is not reachable from here",
		"step report was skipped by deputy: enough; it had failed: forbidden"}
	if diff := cmp.Diff(want, result.Warnings); diff != "" {
		t.Error(diff)
	}
	if result.Environment != "quickstart" || len(result.Decisions) != 2 {
		t.Errorf("%+v", result)
	}
	if !strings.Contains(image, "step image is done") || !strings.Contains(verify, "goes on without step verify") {
		t.Errorf("%q, %q", image, verify)
	}
}

func TestAGateOfADeploymentIsRecordedEverywhere(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Approvals = []string{component.APIManager, "preflight"}
	o.on("CollectReport", 0, reportOf)
	var gate, early, late string
	o.update(time.Minute, decision.UpdateApprove, decision.Approve{Step: component.APIManager, By: "oncall", Reason: "early"}, &early)
	o.update(2*time.Minute, decision.UpdateApprove, decision.Approve{Step: "preflight", By: "oncall", Reason: "go"}, &gate)
	o.update(3*time.Minute, decision.UpdateApprove, decision.Approve{Step: component.APIManager, By: "deputy", Reason: "the window | is open"}, &late)
	o.RegisterDelayedCallback(func() {
		if s := o.board(); s.Phase != board.PhaseAwaitingApproval || !slices.Equal(s.In(board.StateAwaitingApproval), []string{component.APIManager}) {
			t.Errorf("at the gate: %s %q", s.Phase, s.Steps)
		}
	}, 150*time.Second)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if len(report.Decisions) != 2 || report.Decisions[1].By != "deputy" || report.Decisions[1].Step != component.APIManager {
		t.Errorf("%+v", report.Decisions)
	}
	if text := board.Markdown(o.board()); !strings.Contains(text, `| approve | api-manager | deputy |`) || !strings.Contains(text, `the window \| is open`) {
		t.Errorf("%s", text)
	}
	if !strings.Contains(early, "step api-manager is waiting") || gate != "step preflight begins" || late != "step api-manager begins" {
		t.Errorf("%q, %q, %q", early, gate, late)
	}
}

func TestWhatCannotBeUndoneComesWithACommand(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Snapshot", 0, func(_ context.Context, in activities.SnapshotInput) ([]cluster.Snapshot, error) {
		return []cluster.Snapshot{{Ref: cluster.Ref{Kind: "Secret", Name: "of-" + string(in.Set), Namespace: in.Scope.Namespace}}}, nil
	})
	o.on("WaitWorkload", time.Minute, neverReady(component.APIManager))
	gone := func(text string) error { return call.Failed(failure.Unauthorized, text) }
	o.on("UndoImage", 0, func(context.Context, activities.UndoImageInput) error { return gone("access denied") })
	o.on("Restore", 0, func(context.Context, activities.RestoreInput) error { return gone("forbidden") })
	o.on("RestoreRelease", 0, func(_ context.Context, in activities.RestoreReleaseInput) error {
		if in.Release.Name == "apim" {
			return gone("run `helm uninstall apim` yourself")
		}
		return gone("forbidden")
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	for _, text := range []string{
		"image: access denied; to finish by hand: `crane delete registry.lockstep.test/wso2is-km:7.2.0`",
		"credentials: forbidden; to finish by hand: `kubectl delete secret of-credentials --ignore-not-found -n apim`",
		"identity-server: forbidden; to finish by hand: `helm uninstall is -n apim`",
		"api-manager: run `helm uninstall apim` yourself\n",
	} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in\n%v", text, err)
		}
	}
}
