package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config/operation"
	"lockstep/internal/component"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

func TestUnderAnyOtherIDTheOperationRunsAsAChildWithTheEnvironmentsID(t *testing.T) {
	o := newOperation(t, "nightly-2026-01-01")
	var child string
	o.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		child = info.WorkflowExecution.ID + " " + info.WorkflowType.Name
	})
	o.on("CollectReport", 0, reportOf)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if child != "environment/quickstart Deploy" {
		t.Errorf("child: %q", child)
	}
	if report.Environment != "quickstart" {
		t.Errorf("the child's report is not the parent's: %+v", report)
	}
	if s := o.board(); s.Child != "environment/quickstart" || s.Environment != "quickstart" {
		t.Errorf("the parent's board does not lead to the child: %+v", s)
	}
}

func TestEveryOperationTakesTheEnvironmentsLock(t *testing.T) {
	env := quickstart(t)
	for name, input := range map[string]any{
		operation.Deploy: DeployInput{Request: Of(env)}, operation.Verify: VerifyInput{Request: Of(env)}, operation.Teardown: TeardownInput{Request: Of(env)},
	} {
		o := newOperation(t, "typed-by-hand")
		child := ""
		o.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
			child = info.WorkflowExecution.ID + " " + info.WorkflowType.Name
		})
		o.ExecuteWorkflow(name, input)
		if err := o.GetWorkflowError(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if child != "environment/quickstart "+name {
			t.Errorf("%s ran %q", name, child)
		}
	}
}

func TestAFailureOfTheChildKeepsItsTypeAndWords(t *testing.T) {
	o := newOperation(t, "nightly")
	o.on("WaitWorkload", time.Minute, neverReady(component.IdentityServer))
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeRolledBack || !strings.Contains(err.Error(), "CrashLoopBackOff") {
		t.Errorf("got %v", err)
	}
}

func TestCancellingTheParentUndoesTheChild(t *testing.T) {
	o := newOperation(t, "nightly")
	o.on("WaitWorkload", time.Hour, neverReady("none"))
	o.RegisterDelayedCallback(o.CancelWorkflow, time.Minute)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("got %v, want a cancellation", err)
	}
	o.since("UndoImage")
}

func TestABusyEnvironmentIsRefusedAtOnce(t *testing.T) {
	o := newOperation(t, "nightly")
	o.RegisterWorkflowWithOptions(Deploy, workflow.RegisterOptions{Name: "Nightly"}) // the mock is for the child alone
	o.OnWorkflow(operation.Deploy, mock.Anything, mock.Anything).Return(activities.Report{}, &temporal.ChildWorkflowExecutionAlreadyStartedError{})
	o.ExecuteWorkflow("Nightly", DeployInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != TypeBusy {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{`environment "quickstart" is busy`, "lockstep watch quickstart", "lockstep cancel quickstart"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
	if len(o.begun) > 0 {
		t.Errorf("began %v", o.begun)
	}
}

func TestUpdatesOfTheParentLeadToTheChild(t *testing.T) {
	o := newOperation(t, "nightly")
	o.readyAfter(1)
	var parent string
	o.update(time.Minute, decision.UpdateRollback, decision.Rollback{By: "oncall"}, &parent)
	o.RegisterDelayedCallback(func() {
		err := o.UpdateWorkflowByID(canonicalID, decision.UpdateRetry, "child", &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(err error) { t.Error(err) },
			OnComplete: func(any, error) {}}, decision.RetryStep{})
		if err != nil {
			t.Error(err)
		}
	}, 2*time.Minute)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(pausing(t))})
	if err := o.GetWorkflowError(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(parent, "environment/quickstart, which does the work: send the Update there") {
		t.Errorf("%q", parent)
	}
}
