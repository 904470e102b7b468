package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/failure"
	"lockstep/internal/holder"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// due is a scheduled operation, which is carried out by child.
func due(t *testing.T, child func(workflow.Context, map[string]any) (map[string]any, error)) *trial {
	t.Helper()
	o := newOperation(t, "schedule/dev/nightly-2026-01-01T02:00:00Z")
	o.RegisterWorkflow(Scheduled)
	o.RegisterWorkflowWithOptions(child, workflow.RegisterOptions{Name: "Drift", DisableAlreadyRegisteredCheck: true})
	return o
}

func (o *trial) ends(t *testing.T, input string) (result ScheduledResult, outcome string, err error) {
	t.Helper()
	o.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(attributes temporal.SearchAttributes) bool {
		if says, ok := attributes.GetKeyword(board.AttributeOutcome); ok {
			outcome = says
		}
		return true
	})).Return(nil)
	o.ExecuteWorkflow(TypeScheduled, typed(t, input))
	if err = o.GetWorkflowError(); err == nil {
		err = o.GetWorkflowResult(&result)
	}
	return result, outcome, err
}

func TestAScheduledOperationRunsUnderTheEnvironmentsIDWithItsOptions(t *testing.T) {
	var id string
	var input map[string]any
	o := due(t, func(ctx workflow.Context, in map[string]any) (map[string]any, error) {
		id, input = workflow.GetInfo(ctx).WorkflowExecution.ID, in
		return map[string]any{}, nil
	})
	result, outcome, err := o.ends(t, `{"environment": "dev", "overrides": {"onFailure": "keep"}, "operation": "drift", "options": {"mode": "x"}, "schedule": "nightly"}`)
	if err != nil || outcome != board.OutcomeDone || result != (ScheduledResult{Outcome: board.OutcomeDone, Operation: "drift"}) {
		t.Errorf("%+v, %q, %v", result, outcome, err)
	}
	if id != "environment/dev" {
		t.Errorf("ran as %q", id)
	}
	want := map[string]any{"environment": "dev", "overrides": map[string]any{"onFailure": "keep"}, "mode": "x"}
	if diff := cmp.Diff(want, input); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
}

func TestAnOperationsOwnOutcomeIsThatOfTheScheduledRun(t *testing.T) {
	o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) {
		return map[string]any{"drifted": true}, nil
	})
	result, outcome, err := o.ends(t, `{"environment": "dev", "operation": "drift"}`)
	if err != nil || outcome != "drifted" || result.Outcome != "drifted" {
		t.Errorf("%+v, %q, %v", result, outcome, err)
	}
}

func TestABusyEnvironmentIsSkippedWithWhoHoldsIt(t *testing.T) {
	o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) { return nil, nil })
	o.OnWorkflow("Drift", mock.Anything, mock.Anything).Return(nil, &temporal.ChildWorkflowExecutionAlreadyStartedError{})
	o.on("FindHolder", 0, func(_ context.Context, id string) (holder.Holder, error) {
		since := time.Date(2026, 1, 1, 1, 58, 0, 0, time.UTC)
		return holder.Holder{Operation: "Deploy", Started: since, StartedBy: id + "'s owner"}, nil
	})
	result, outcome, err := o.ends(t, `{"environment": "dev", "operation": "drift"}`)
	want := ScheduledResult{Outcome: board.OutcomeSkipped, Operation: "drift",
		Reason: `environment "dev" is busy: Deploy has been running since 2026-01-01 01:58:00 UTC, started by environment/dev's owner`}
	if err != nil || outcome != board.OutcomeSkipped || result != want {
		t.Errorf("%+v, %q, %v", result, outcome, err)
	}
}

func TestAnEnvironmentIsBusyAlsoIfNobodyCanSayWhy(t *testing.T) {
	o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) { return nil, nil })
	o.OnWorkflow("Drift", mock.Anything, mock.Anything).Return(nil, &temporal.ChildWorkflowExecutionAlreadyStartedError{})
	o.on("FindHolder", 0, func(context.Context, string) (holder.Holder, error) {
		return holder.Holder{}, temporal.NewApplicationError("Temporal is away", string(failure.Unavailable))
	})
	result, _, err := o.ends(t, `{"environment": "dev", "operation": "drift"}`)
	if err != nil || result.Reason != `environment "dev" is busy: another operation runs` {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAFailedOperationFailsItsScheduledRunInItsOwnWords(t *testing.T) {
	for kind, want := range map[failure.Kind]string{
		board.TypeRolledBack: board.OutcomeRolledBack, board.TypeFailed: board.OutcomeFailed, failure.InvalidConfig: board.OutcomeRefused, failure.NotReady: board.OutcomeFailed,
	} {
		o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) {
			return nil, call.Failed(kind, "it is broken; mend it")
		})
		_, outcome, err := o.ends(t, `{"environment": "dev", "operation": "drift"}`)
		if call.KindOf(err) != kind || outcome != want {
			t.Errorf("%s: %q, %v", kind, outcome, err)
		}
		// Temporal quotes the outermost text, where a schedule says why it paused.
		if app, ok := errors.Unwrap(err).(*temporal.ApplicationError); !ok || app.Message() != "it is broken; mend it" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestACancelledOperationIsNoFailureOfItsSchedule(t *testing.T) {
	o := due(t, func(ctx workflow.Context, _ map[string]any) (map[string]any, error) {
		return nil, workflow.Sleep(ctx, time.Hour)
	})
	o.RegisterDelayedCallback(o.CancelWorkflow, time.Minute)
	_, outcome, err := o.ends(t, `{"environment": "dev", "operation": "drift"}`)
	if !temporal.IsCanceledError(err) || outcome != "" {
		t.Errorf("%q, %v", outcome, err)
	}
}

func TestAScheduledInputThatIsWrongIsRefused(t *testing.T) {
	for input, says := range map[string]string{
		`{"environment": "dev"}`:                                      `operation "" cannot be scheduled: write one of deploy, verify, drift, rebuild, rotate`,
		`{"environment": "dev", "operation": "teardown"}`:             `operation "teardown" cannot be scheduled`,
		`{"environment": "dev", "operation": "drift", "mode": "x"}`:   `the input of Scheduled is wrong: unknown field "mode"; write it as {"environment": "dev", "operation"`,
		`{"operation": "drift"}`:                                      `environment: is missing`,
		`{"environment": "dev", "operation": "drift", "options": []}`: `the input of Scheduled is wrong`,
	} {
		o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) { t.Error("it ran"); return nil, nil })
		if _, _, err := o.ends(t, input); err == nil || call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", input, err, says)
		}
	}
}

func TestOptionsAreCheckedByTheOperationItself(t *testing.T) {
	o := due(t, func(workflow.Context, map[string]any) (map[string]any, error) { return nil, nil })
	_, _, err := o.ends(t, `{"environment": "dev", "operation": "verify", "options": {"levle": "token"}}`)
	if call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), `unknown field "levle"`) {
		t.Errorf("got %v", err)
	}
}

// What a schedule in an environment file may say must be what its operation takes.
func TestEveryScheduledOperationIsAWorkflow(t *testing.T) {
	for _, verb := range operation.Scheduled() {
		in := ScheduledInput{Request: ForName("dev"), Options: ScheduledOptions{Operation: verb, Options: config.Values{"a": 1}}}
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var back ScheduledInput
		if err := json.Unmarshal(text, &back); err != nil || back.malformed != "" || back.Options.Operation != verb {
			t.Errorf("%s: %v %q", text, err, back.malformed)
		}
	}
}
