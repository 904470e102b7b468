package schedules

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	schedulepb "go.temporal.io/api/schedule/v1"
	"go.temporal.io/sdk/temporal"

	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Run is one time that a schedule was due, or triggered.
type Run struct {
	Due      time.Time  `json:"due"`
	Workflow string     `json:"workflow"`
	RunID    string     `json:"runId"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended,omitempty"`
	Outcome  string     `json:"outcome,omitempty"` // running, one of package workflows, or of package operations
	Reason   string     `json:"reason,omitempty"`  // why it was skipped or failed

	failed bool
}

// run is what became of one action of a schedule, as far as Temporal still knows.
func (c Client) run(ctx context.Context, action *schedulepb.ScheduleActionResult) Run {
	started := action.GetStartWorkflowResult()
	run := Run{Due: action.GetScheduleTime().AsTime(), Started: action.GetActualTime().AsTime(), Workflow: started.GetWorkflowId(), RunID: started.GetRunId(),
		Outcome: operations.OutcomeUnknown}
	d, err := c.DescribeWorkflowExecution(ctx, run.Workflow, run.RunID)
	if err != nil {
		return run // its history is no longer kept
	}
	info := d.GetWorkflowExecutionInfo()
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		run.Outcome = "running"
		return run
	}
	ended := info.GetCloseTime().AsTime()
	run.Ended = &ended
	var result workflows.ScheduledResult
	if err := c.GetWorkflow(ctx, run.Workflow, run.RunID).Get(ctx, &result); err != nil {
		end := operations.End(err, nil)
		run.Outcome, run.Reason, run.failed = end.Outcome, end.Error, !temporal.IsCanceledError(err) && !isTerminated(err)
		return run
	}
	run.Outcome, run.Reason = result.Outcome, result.Reason
	return run
}

func isTerminated(err error) bool {
	var terminated *temporal.TerminatedError
	return errors.As(err, &terminated)
}

func sorted(ids []identity) []identity {
	slices.SortFunc(ids, func(a, b identity) int {
		return cmp.Or(cmp.Compare(a.environment, b.environment), cmp.Compare(a.name, b.name))
	})
	return ids
}
