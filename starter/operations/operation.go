package operations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"lockstep/workflows"
	"lockstep/workflows/board"
)

// Operation is what Temporal itself knows of one run, even if no worker answers.
type Operation struct {
	Environment string     `json:"environment"`
	Operation   string     `json:"operation"` // the workflow type: Deploy, Verify, …
	ID          string     `json:"id"`        // the run id
	StartedBy   string     `json:"startedBy,omitempty"`
	Started     time.Time  `json:"started"`
	Ended       *time.Time `json:"ended,omitempty"`
	Phase       string     `json:"phase"`             // of [board.Status]; "" before the operation has looked at its input
	Outcome     string     `json:"outcome,omitempty"` // of [board.Status]; also cancelled, terminated and timed-out
	Key         string     `json:"-"`                 // of the request that started it, see [Start]
	Digest      string     `json:"-"`                 // of that request
}

// Running says whether it has not ended yet.
func (o Operation) Running() bool { return o.Ended == nil }

// Took is how long it ran, or has run so far.
func (o Operation) Took(now time.Time) time.Duration {
	if o.Ended != nil {
		now = *o.Ended
	}
	return now.Sub(o.Started)
}

// Outcomes beside those that workflows give themselves.
const (
	OutcomeBusy       = "busy"
	OutcomeCancelled  = "cancelled" // before it could say more
	OutcomeTerminated = "terminated"
	OutcomeTimedOut   = "timed-out"
	OutcomeUnknown    = "unknown"
)

// Keys of the memo of operations.
const (
	memoStartedBy = "startedBy"
	memoKey       = "requestKey"
	memoDigest    = "requestDigest"
)

// Get finds an operation by its run id, the newest one if id is empty.
func (c Client) Get(ctx context.Context, environment, id string) (Operation, error) {
	d, err := c.DescribeWorkflowExecution(ctx, workflows.CanonicalID(environment), id)
	var absent *serviceerror.NotFound
	var malformed *serviceerror.InvalidArgument
	switch {
	case id != "" && (errors.As(err, &absent) || errors.As(err, &malformed)):
		return Operation{}, failed(Unknown, "Temporal does not know operation %q on environment %q: it never existed, or its history is no longer kept; `lockstep history %s` shows the operations that Temporal keeps", id, environment, environment)
	case errors.As(err, &absent):
		return Operation{}, failed(Unknown, "Temporal knows no operation on environment %q: check the name, or start one with `lockstep deploy`", environment)
	case err != nil:
		return Operation{}, away(err, "asking Temporal for environment %q", environment)
	}
	return c.operation(d.GetWorkflowExecutionInfo()), nil
}

// Query picks operations for [Client.List].
type Query struct {
	Environment string    // all if empty
	Operation   string    // the workflow type; all if empty
	Outcome     string    // all if empty
	Before      time.Time // only those that started earlier; all if zero
	PageSize    int       // default 20, at most 1000
	PageToken   []byte    // of the page before
}

// List is a page of operations, newest first, and the token of the next, nil after the last. What has just begun or ended may be
// missing for a moment: the list is of Temporal's index.
func (c Client) List(ctx context.Context, q Query) ([]Operation, []byte, error) {
	request := &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: c.Namespace, PageSize: int32(pageSize(q.PageSize)), NextPageToken: q.PageToken, Query: q.text(),
	}
	page, err := c.ListWorkflow(ctx, request)
	var malformed *serviceerror.InvalidArgument
	if errors.As(err, &malformed) {
		return nil, nil, failed(Invalid, "asking Temporal for operations: %w; if search attributes are missing, run `lockstep setup`", err)
	}
	if err != nil {
		return nil, nil, away(err, "asking Temporal for operations")
	}
	var found []Operation
	for _, info := range page.GetExecutions() {
		found = append(found, c.operation(info))
	}
	return found, page.GetNextPageToken(), nil
}

func pageSize(asked int) int {
	if asked <= 0 {
		return 20
	}
	return min(asked, 1000)
}

func (q Query) text() string {
	parts := []string{fmt.Sprintf("WorkflowId STARTS_WITH %q", workflows.CanonicalID(""))}
	if q.Environment != "" {
		parts[0] = fmt.Sprintf("WorkflowId = %q", workflows.CanonicalID(q.Environment))
	}
	if q.Operation != "" {
		parts = append(parts, fmt.Sprintf("WorkflowType = %q", q.Operation))
	}
	if q.Outcome != "" {
		parts = append(parts, ended(q.Outcome))
	}
	if !q.Before.IsZero() {
		parts = append(parts, fmt.Sprintf("StartTime < %q", q.Before.UTC().Format(time.RFC3339Nano)))
	}
	return strings.Join(parts, " AND ")
}

func (c Client) operation(info *workflowpb.WorkflowExecutionInfo) Operation {
	o := Operation{
		Environment: strings.TrimPrefix(info.GetExecution().GetWorkflowId(), workflows.CanonicalID("")),
		Operation:   info.GetType().GetName(), ID: info.GetExecution().GetRunId(), Started: info.GetStartTime().AsTime(),
		Phase: attribute(info, board.AttributePhase.GetName()), Outcome: attribute(info, board.AttributeOutcome.GetName()),
	}
	for field, to := range map[string]*string{memoStartedBy: &o.StartedBy, memoKey: &o.Key, memoDigest: &o.Digest} {
		if payload := info.GetMemo().GetFields()[field]; payload != nil {
			_ = c.DataConverter.FromPayload(payload, to) // one that cannot be read is as none
		}
	}
	if info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		o.Outcome = ""
		return o
	}
	ended := info.GetCloseTime().AsTime()
	o.Ended, o.Phase = &ended, board.PhaseEnded
	if o.Outcome == "" {
		o.Outcome = byStatus(info.GetStatus())
	}
	return o
}

// byStatus is the outcome of an operation that could not say it.
func byStatus(status enumspb.WorkflowExecutionStatus) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		return board.OutcomeDone
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return OutcomeCancelled
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return OutcomeTerminated
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return OutcomeTimedOut
	default:
		return board.OutcomeRefused // it never had a board
	}
}

// attribute is a search attribute. Those are never encrypted.
func attribute(info *workflowpb.WorkflowExecutionInfo, name string) (value string) {
	payload := info.GetSearchAttributes().GetIndexedFields()[name]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &value) != nil {
		return ""
	}
	return value
}
