// Package holder says which operation runs on an environment: it holds the environment's workflow id, and with it everybody else off.
package holder

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"lockstep/config/settings"
	"lockstep/internal/codec"
	"lockstep/internal/failure"
)

// MemoStartedBy is the key under which an operation's memo says who started it.
const MemoStartedBy = "startedBy"

// Holder is the operation that runs on an environment.
type Holder struct {
	Operation string    `json:"operation,omitempty"` // workflow type; empty if none runs any more
	RunID     string    `json:"runId,omitempty"`
	Started   time.Time `json:"started,omitzero"`
	StartedBy string    `json:"startedBy,omitempty"`
}

// String is what runs, since when and by whom.
func (h Holder) String() string {
	if h.Operation == "" {
		return "another operation ran, which has ended since"
	}
	text := fmt.Sprintf("%s has been running since %s", h.Operation, h.Started.UTC().Format("2006-01-02 15:04:05 MST"))
	if h.StartedBy != "" {
		text += ", started by " + h.StartedBy
	}
	return text
}

// Find says what runs under a workflow id. Who started it stays out if it is encrypted with a key that is not there: it is a courtesy.
func Find(ctx context.Context, c client.Client, workflow string, encryption settings.Encryption) (Holder, error) {
	d, err := c.DescribeWorkflowExecution(ctx, workflow, "")
	if err != nil {
		return Holder{}, failure.Transient(failure.Unavailable, "asking Temporal for workflow %q: %w", workflow, err)
	}
	info := d.GetWorkflowExecutionInfo()
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return Holder{}, nil
	}
	h := Holder{Operation: info.GetType().GetName(), RunID: info.GetExecution().GetRunId(), Started: info.GetStartTime().AsTime()}
	keys, err := codec.Read(encryption)
	if by := info.GetMemo().GetFields()[MemoStartedBy]; err == nil && by != nil {
		_ = converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec.New(keys)).FromPayload(by, &h.StartedBy)
	}
	return h, nil
}
