package operations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"lockstep/config"
	"lockstep/workflows"
)

// Start is an operation to begin.
type Start struct {
	Environment string             // its name
	Cluster     config.ClusterName // its cluster
	Operation   string             // workflow type
	Input       any                // of that workflow
	By          string             // who starts it, for others to see
	// Key makes a repeated start the same operation, for as long as Temporal keeps its history. Optional.
	Key string
	// Digest is of what was asked for with Key: the same key with another digest is refused.
	Digest string
}

// Start begins an operation under the environment's own workflow id, which only one operation can have at a time. repeated says that
// it had been started before with the same key.
func (c Client) Start(ctx context.Context, s Start) (o Operation, repeated bool, err error) {
	if s.Key != "" {
		if o, repeated, err = c.Started(ctx, s); repeated || err != nil {
			return o, repeated, err
		}
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.CanonicalID(s.Environment), TaskQueue: c.Clusters.Queue(s.Cluster),
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     s.memo(),
		StaticSummary:                            s.Operation + " of " + s.Environment,
		StaticDetails:                            s.details(),
	}, s.Operation, s.Input)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &taken) {
		return c.taken(ctx, s)
	}
	if err != nil {
		return Operation{}, false, unavailable("starting %s of %q: %w; `lockstep status %s` shows whether it began", s.Operation, s.Environment, err, s.Environment)
	}
	return Operation{Environment: s.Environment, Operation: s.Operation, ID: run.GetRunID(), StartedBy: s.By, Started: time.Now(),
		Key: s.Key, Digest: s.Digest}, false, nil
}

func (s Start) memo() map[string]any {
	memo := map[string]any{memoStartedBy: s.By}
	if s.Key != "" {
		memo[memoKey], memo[memoDigest] = s.Key, s.Digest
	}
	return memo
}

// details are what the Temporal UI shows beside the board, in Markdown. The UI's form fills them in for the next run too: so they say
// nothing of this one.
func (s Start) details() string {
	return fmt.Sprintf("`lockstep watch %s` follows it, `lockstep cancel %s` ends it.\n", s.Environment, s.Environment)
}

// Started looks for what was started with the same key: the newest operation, which Temporal knows for certain, then those in its
// index.
func (c Client) Started(ctx context.Context, s Start) (Operation, bool, error) {
	last, err := c.Get(ctx, s.Environment, "")
	var wrong *Error
	if errors.As(err, &wrong) && wrong.Kind == Unknown {
		return Operation{}, false, nil
	}
	if err != nil || last.Key == s.Key {
		return s.same(last, err)
	}
	for q := (Query{Environment: s.Environment, PageSize: 1000}); ; {
		page, next, err := c.List(ctx, q)
		if err != nil {
			return Operation{}, false, err
		}
		if i := slices.IndexFunc(page, func(o Operation) bool { return o.Key == s.Key }); i >= 0 {
			return s.same(page[i], nil)
		}
		if q.PageToken = next; len(next) == 0 {
			return Operation{}, false, nil
		}
	}
}

// same is the operation that was started with the key of s, if what was asked for is the same.
func (s Start) same(o Operation, err error) (Operation, bool, error) {
	if err != nil {
		return Operation{}, false, err
	}
	if o.Digest != s.Digest {
		return o, false, failed(Invalid, "the idempotency key belongs to another request, which started %s %s: use a new key for a new request", o.Operation, o.ID)
	}
	return o, true, nil
}

// taken says what runs on a busy environment; it may be what was asked for.
func (c Client) taken(ctx context.Context, s Start) (Operation, bool, error) {
	holder, err := c.Get(ctx, s.Environment, "")
	if err == nil && s.Key != "" && holder.Key == s.Key {
		return s.same(holder, nil)
	}
	what := "another operation runs"
	busy := &Error{Kind: Busy}
	if err == nil {
		what, busy.Holder = c.describe(ctx, holder), &holder
	}
	busy.Err = fmt.Errorf("environment %q is busy: %s; watch it with `lockstep watch %s` or end it with `lockstep cancel %s`",
		s.Environment, what, s.Environment, s.Environment)
	return Operation{}, false, busy
}

func (c Client) describe(ctx context.Context, o Operation) string {
	by := ""
	if o.StartedBy != "" {
		by = " by " + o.StartedBy
	}
	text := fmt.Sprintf("%s has been running since %s%s", o.Operation, o.Started.Local().Format(time.DateTime), by)
	view, err := c.View(ctx, o)
	if err != nil || len(view.Next) == 0 {
		return text
	}
	return fmt.Sprintf("%s and waits for a decision: `%s`", text, strings.Join(view.Next, "`, `"))
}
