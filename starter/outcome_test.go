package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"lockstep/internal/failure"
	"lockstep/starter/operations"
	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/workflowstest"
)

// ended is the error with which a client hears of a workflow that ended with err.
func ended(err error) error {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(workflowstest.Silent{})
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(func(workflow.Context) error { return err }, workflow.RegisterOptions{Name: "End"})
	env.ExecuteWorkflow("End")
	return env.GetWorkflowError()
}

func TestTheEndOfAnOperationDecidesTheExitCode(t *testing.T) {
	app := func(kind string) error { return ended(temporal.NewNonRetryableApplicationError("why", kind, nil)) }
	for name, test := range map[string]struct {
		err     error
		status  *board.Status
		code    int
		outcome string
		says    string
	}{
		"rolled back":             {app(board.TypeRolledBack), nil, exitRolledBack, "rolled-back", "why"},
		"failed":                  {app(board.TypeFailed), nil, exitFailed, "failed", "why"},
		"busy":                    {app(workflows.TypeBusy), nil, exitBusy, "busy", "why"},
		"refused":                 {app(string(failure.InvalidConfig)), nil, exitBadInput, "refused", "why"},
		"nothing to tear down":    {app(string(failure.NotFound)), nil, exitNothing, "refused", "why"},
		"an error of another day": {app("SomethingElse"), nil, exitFailed, "failed", "why"},
		"cancelled and undone": {ended(temporal.NewCanceledError()), &board.Status{Outcome: board.OutcomeRolledBack, Error: "cancelled; undone"},
			exitRolledBack, "rolled-back", "cancelled; undone"},
		"a cancelled teardown": {ended(temporal.NewCanceledError()), &board.Status{Outcome: board.OutcomeFailed, Error: "cancelled: run it again"},
			exitFailed, "cancelled", "cancelled: run it again"},
		"cancelled before it began":     {ended(temporal.NewCanceledError()), &board.Status{}, exitFailed, "cancelled", "before anything was done"},
		"cancelled, nobody knows more":  {ended(temporal.NewCanceledError()), nil, exitFailed, "cancelled", "bin/worker"},
		"Temporal went away":            {serviceerror.NewUnavailable("connection refused"), nil, exitNoTemporal, "unknown", "goes on once it is back"},
		"Temporal is slow":              {context.DeadlineExceeded, nil, exitNoTemporal, "unknown", "goes on once it is back"},
		"the run is past its retention": {serviceerror.NewNotFound("no such run"), nil, exitNoTemporal, "unknown", "does not know this run any more"},
		"anything else":                 {errors.New("strange"), nil, exitNoTemporal, "unknown", "strange"},
	} {
		t.Run(name, func(t *testing.T) {
			end := operations.End(test.err, test.status)
			if code(end) != test.code || end.Outcome != test.outcome || !strings.Contains(end.Error, test.says) {
				t.Errorf("got %d, %+v", code(end), end)
			}
		})
	}
}
