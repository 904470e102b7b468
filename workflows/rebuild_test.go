package workflows

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

func TestARebuildChecksThenRemovesThenDeploys(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("CollectReport", 0, reportOf)
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if report.Environment != "quickstart" {
		t.Errorf("report of %q", report.Environment)
	}
	before, after := o.since("Preflight"), o.since("RemoveGateway")
	if !slices.Contains(before, "BuildImage") || slices.Contains(o.since("Survey"), "BuildImage") {
		t.Errorf("the image is not made before anything is removed: %q", before)
	}
	for _, name := range []string{"EnsureNamespace", "EnsureCredentials", "ApplyRelease api-manager", "Verify"} {
		if !slices.Contains(after, name) {
			t.Errorf("%s did not follow the removal: %q", name, after)
		}
	}
	for _, kept := range []string{"RemoveObjects credentials", "RemoveObjects certificates", "RemoveNamespace", "RemoveOwnCRDs"} {
		if slices.Contains(before, kept) {
			t.Errorf("%s without purge", kept)
		}
	}
	if s := o.board(); s.Operation != "rebuild" || s.Outcome != board.OutcomeDone || s.Steps[0].Name != "preflight" {
		t.Errorf("board: %s %s", s.Operation, s.Outcome)
	}
}

func TestARebuildWithPurgeMakesTheKeysAnew(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t)), Options: RebuildOptions{Purge: true}})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	after := o.since("RemoveNamespace")
	if !slices.Contains(after, "EnsureNamespace") || !slices.Contains(after, "ApplyCRDs") || !slices.Contains(o.since("RemoveObjects credentials"), "EnsureCredentials") {
		t.Errorf("after the namespace was removed: %q", after)
	}
}

func TestARebuildOfNothingDeploys(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, func(context.Context, activities.Input) (activities.Remains, error) {
		return activities.Remains{}, call.Failed(failure.NotFound, "there is nothing")
	})
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if all := o.since("Survey"); slices.ContainsFunc(all, func(name string) bool { return strings.HasPrefix(name, "Remove") }) {
		t.Errorf("something was removed: %q", all)
	}
}

func TestABadFileDoesNotCostTheEnvironment(t *testing.T) {
	for _, activity := range []string{"Preflight", "BuildImage"} {
		o := newOperation(t, canonicalID)
		o.on("Survey", 0, survey)
		switch activity {
		case "Preflight":
			o.on(activity, 0, func(context.Context, activities.Input) (activities.Preflight, error) {
				return activities.Preflight{}, call.Failed(failure.InvalidConfig, "no such chart")
			})
		default:
			o.on(activity, 0, func(context.Context, activities.Input) (activities.Image, error) {
				return activities.Image{}, call.Failed(failure.InvalidConfig, "no such artifact")
			})
		}
		o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
		if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeRolledBack {
			t.Errorf("%s: got %v", activity, err)
		}
		if slices.ContainsFunc(o.begun, func(b begun) bool { return strings.HasPrefix(b.name, "Remove") && b.name != "RemoveCRDs" }) {
			t.Errorf("%s: began %v", activity, o.begun)
		}
	}
}

func TestARebuildThatFailsAfterTheRemovalSaysThatTheEnvironmentIsGone(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("WaitWorkload", time.Minute, neverReady(component.IdentityServer))
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeFailed {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{"step identity-server failed", "is removed, and this rebuild did not deploy it again", "encryption keys, certificates", "are kept", "Next:", "lockstep deploy"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
	s := o.board()
	if s.Outcome != board.OutcomeFailed || s.Phase != board.PhaseEnded {
		t.Errorf("board: %s %s", s.Phase, s.Outcome)
	}
	if row := rowOf(s, component.IdentityServer); row.State != board.StateUndone {
		t.Errorf("%s is %s", row.Name, row.State)
	}
}

func TestARebuildThatCannotRemoveDoesNotDeployBesideWhatIsLeft(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("RemoveObjects", time.Minute, func(context.Context, activities.SnapshotInput) error { return nil }) // the failure is long known then
	o.on("RemoveRelease", 0, func(_ context.Context, in activities.RemoveReleaseInput) (string, error) {
		if in.Component == component.APIManager {
			return "", call.Failed(failure.Conflict, "release apim was not made by Lockstep")
		}
		return "uninstalled", nil
	})
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeFailed || !strings.Contains(err.Error(), "removed in part; still to do: remove-api-manager, remove-listeners, remove-gateway; ") {
		t.Errorf("got %v", err)
	}
	if slices.ContainsFunc(o.begun, func(b begun) bool { return b.name == "ApplyRelease" }) {
		t.Errorf("began %v", o.begun)
	}
}

func TestARebuildSaysOfEveryRemovalThatFailedWhy(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("RemoveRelease", 0, func(_ context.Context, in activities.RemoveReleaseInput) (string, error) {
		return "", call.Failed(failure.Conflict, in.Component+" was not made by Lockstep")
	})
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	want := "step remove-api-manager failed: api-manager was not made by Lockstep\n" +
		"step remove-identity-server failed: identity-server was not made by Lockstep\n"
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeFailed || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

func TestACancelledRebuildSaysWhatIsGone(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("WaitWorkload", 10*time.Minute, neverReady("none"))
	o.RegisterDelayedCallback(o.CancelWorkflow, time.Minute)
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("got %v", err)
	}
	if s := o.board(); s.Outcome != board.OutcomeFailed || !strings.Contains(s.Error, "is removed, and this rebuild") {
		t.Errorf("board: %s: %s", s.Outcome, s.Error)
	}
}

// What is gone is not removed again, least of all what was built in its place.
func TestAPausedRebuildGoesOnInAChangedEnvironmentWithoutRemovingAgain(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("WaitWorkload", time.Minute, func(_ context.Context, in activities.WaitInput) error {
		if in.Component == component.APIManager && in.Env.Timeouts.APIManager != enough {
			return call.Failed(failure.NotReady, "not ready")
		}
		return nil
	})
	env := quickstart(t)
	env.OnFailure = config.OnFailurePause
	var stays []string // the version that each check is to stay with
	o.on("CheckEnvironment", 0, func(_ context.Context, in activities.CheckInput) (config.Environment, error) {
		stays = append(stays, in.GatewayChart.Version)
		env, err := in.Environment.Resolve("", nil)
		env.Routing.Chart.Version = cmp.Or(in.GatewayChart.Version, "v1.7.0")
		return env, err
	})
	moved := env
	moved.Namespace = "elsewhere"
	changed := env
	changed.Timeouts.APIManager = enough
	var toMoved, toChanged string
	o.update(10*time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(moved), By: "oncall"}, &toMoved)
	o.update(20*time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(changed), By: "oncall"}, &toChanged)
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(env)})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(toMoved, "namespace") || !strings.Contains(toChanged, "carried out again") {
		t.Errorf("answers: %q, %q", toMoved, toChanged)
	}
	if !slices.Equal(stays, []string{"", "v1.7.0", "v1.7.0"}) {
		t.Errorf("the gateway's version that checks stay with: %q", stays)
	}
	removed := 0
	for _, b := range o.begun {
		if b.name == "RemoveRelease" {
			removed++
		}
	}
	if removed != 2 {
		t.Errorf("%d releases were removed", removed)
	}
}

func TestARebuildInPlaceRestartsBothProductsAndRemovesNothing(t *testing.T) {
	o := newOperation(t, canonicalID)
	var mu sync.Mutex // both products are applied at once
	restarts := map[string]string{}
	o.on("ApplyRelease", 0, func(_ context.Context, in activities.ApplyReleaseInput) (activities.Release, error) {
		mu.Lock()
		defer mu.Unlock()
		restarts[in.Component] = in.Restart
		return activities.Release{}, nil
	})
	o.ExecuteWorkflow(Rebuild, RebuildInput{Request: Of(quickstart(t)), Options: RebuildOptions{Mode: operation.InPlace}})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, restarts[component.IdentityServer]); err != nil || restarts[component.APIManager] != restarts[component.IdentityServer] {
		t.Errorf("restarts %v", restarts)
	}
	if slices.ContainsFunc(o.begun, func(b begun) bool { return strings.HasPrefix(b.name, "Remove") }) {
		t.Errorf("began %v", o.begun)
	}
	if s := o.board(); s.Operation != "rebuild" || s.Outcome != board.OutcomeDone {
		t.Errorf("board: %s %s", s.Operation, s.Outcome)
	}
}

func TestARebuildRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, in := range []RebuildInput{{Options: RebuildOptions{Mode: "sideways"}}, {Options: RebuildOptions{Mode: operation.InPlace, Purge: true}}} {
		in.Request = Of(quickstart(t))
		o := newOperation(t, canonicalID)
		o.ExecuteWorkflow(Rebuild, in)
		if err := o.GetWorkflowError(); call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), "in-place") || len(o.begun) > 0 {
			t.Errorf("%+v: %v, began %v", in.Options.Mode, err, o.begun)
		}
	}
}

func rowOf(s board.Status, name string) board.StepStatus {
	return s.Steps[slices.IndexFunc(s.Steps, func(r board.StepStatus) bool { return r.Name == name })]
}
