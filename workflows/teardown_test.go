package workflows

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/workflowstest"
)

func survey(context.Context, activities.Input) (activities.Remains, error) {
	return activities.Remains{Objects: make([]cluster.Ref, 3)}, nil
}

func TestTeardownRemovesWhatDeployMadeAndKeepsTheKeys(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("RemoveGateway", 0, func(context.Context, activities.Input) (string, error) { return "left: used by shop", nil })
	o.ExecuteWorkflow(Teardown, TeardownInput{Request: Of(quickstart(t))})
	var result TeardownResult
	if err := o.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	if result.Steps["survey"] != "3 objects" || result.Steps["gateway"] != "left: used by shop" {
		t.Errorf("steps say %v", result.Steps)
	}
	for _, b := range o.begun {
		if kept := b.String(); kept == "RemoveObjects credentials" || kept == "RemoveObjects certificates" || kept == "RemoveNamespace" || kept == "RemoveOwnCRDs" {
			t.Errorf("%s ran without purge", kept)
		}
	}
	if s := o.board(); s.Outcome != board.OutcomeDone || s.Operation != "teardown" {
		t.Errorf("board: %s %s", s.Operation, s.Outcome)
	}
}

func TestPurgeRemovesTheNamespaceLast(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.ExecuteWorkflow(Teardown, TeardownInput{Request: Of(quickstart(t)), Options: TeardownOptions{Purge: true}})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	all := o.since("Survey")
	want := []string{"RemoveObjects certificates", "RemoveObjects credentials", "RemoveNamespace"}
	var got []string
	for _, name := range all {
		if slices.Contains(want, name) {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || all[len(all)-1] != "RemoveNamespace" || !slices.Contains(all, "RemoveOwnCRDs") {
		t.Errorf("%s\nafter the survey: %q", diff, all)
	}
}

func TestAPartThatCannotBeRemovedDoesNotKeepTheOthers(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("RemoveRelease", 0, func(_ context.Context, in activities.RemoveReleaseInput) (string, error) {
		if in.Component == component.APIManager {
			return "", call.Failed(failure.Conflict, "release apim was not made by Lockstep")
		}
		return "uninstalled", nil
	})
	o.ExecuteWorkflow(Teardown, TeardownInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeFailed || !strings.Contains(err.Error(), "api-manager: release apim was not made by Lockstep") {
		t.Errorf("got %v", err)
	}
	for _, row := range o.board().Steps {
		want := board.StateDone
		if row.Name == component.APIManager {
			want = board.StateFailed
		}
		if row.State != want {
			t.Errorf("%s is %s, want %s", row.Name, row.State, want)
		}
	}
}

func TestTeardownOfNothingSaysSo(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, func(context.Context, activities.Input) (activities.Remains, error) {
		return activities.Remains{}, call.Failed(failure.NotFound, "there is nothing of environment \"quickstart\"")
	})
	o.ExecuteWorkflow(Teardown, TeardownInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); call.KindOf(err) != failure.NotFound || !strings.Contains(err.Error(), "there is nothing") {
		t.Errorf("got %v", err)
	}
	if s := o.board(); s.Outcome != board.OutcomeRefused {
		t.Errorf("outcome %s", s.Outcome)
	}
	if len(o.begun) != 2 {
		t.Errorf("began %v", o.begun)
	}
}

func TestACancelledTeardownPutsNothingBack(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("RemoveRelease", 10*time.Minute, func(context.Context, activities.RemoveReleaseInput) (string, error) { return "", nil })
	o.RegisterDelayedCallback(o.CancelWorkflow, time.Minute)
	o.ExecuteWorkflow(Teardown, TeardownInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("got %v", err)
	}
	s := o.board()
	if s.Outcome != board.OutcomeFailed || !strings.Contains(s.Error, "run teardown again") {
		t.Errorf("board: %s: %s", s.Outcome, s.Error)
	}
	if slices.ContainsFunc(o.begun, func(b begun) bool { return strings.HasPrefix(b.name, "Restore") }) {
		t.Errorf("began %v", o.begun)
	}
}

func TestVerifyProvesEverythingWhereDeployProvesNothing(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Verify.Level = config.VerifyNone
	o.on("Verify", time.Second, func(_ context.Context, in activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{Summary: string(in.Env.Verify.Level), Proved: []string{"it works"}}, nil
	})
	o.ExecuteWorkflow(Verify, VerifyInput{Request: Of(env)})
	var result activities.Verification
	if err := o.GetWorkflowResult(&result); err != nil {
		t.Fatal(err)
	}
	if result.Summary != "full" || len(result.Proved) != 1 {
		t.Errorf("got %+v", result)
	}
}

func TestDeployProvesNothingWhenNotAsked(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Verify.Level = config.VerifyNone
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(o.begun, func(b begun) bool { return b.name == "Verify" }) {
		t.Error("it was verified")
	}
}

func TestAVerificationThatFailsIsCleanedUpAfter(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Verify", time.Second, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{}, call.Failed(failure.Refused, "a revoked token is still accepted")
	})
	o.ExecuteWorkflow(Verify, VerifyInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeRolledBack || !strings.Contains(err.Error(), "still accepted") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"CleanUpVerify"}, o.since("Verify")); diff != "" {
		t.Error(diff)
	}
}
