package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"lockstep/internal/dial"
	"lockstep/starter/display"
	"lockstep/workflows"
)

const dialTimeout = 10 * time.Second

// server is a connection to Temporal and the namespace it is for.
type server = dial.Connection

// connect reaches Temporal by its own settings.
func (c *cli) connect(cmd *cobra.Command) (server, error) {
	settings, err := c.settings(cmd)
	if err != nil {
		return server{}, err
	}
	options, err := dial.Options(settings.Encryption)
	if err != nil {
		return server{}, &exit{code: exitBadInput, err: err}
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	options.Identity = identity()
	ctx, cancel := context.WithTimeout(cmd.Context(), dialTimeout)
	defer cancel()
	temporal, err := dial.Temporal(ctx, options)
	if err != nil {
		return server{}, &exit{code: exitNoTemporal, err: err}
	}
	return temporal, nil
}

// identity is who started an operation, as others see it when the environment is busy.
func identity() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return name + "@" + host
}

const memoStartedBy = "startedBy"

// start begins an operation under the environment's own workflow id, which only one operation can have at a time.
func start(ctx context.Context, c server, taskQueue, environment, operation string, input any) (client.WorkflowRun, error) {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.CanonicalID(environment), TaskQueue: taskQueue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		Memo:                                     map[string]any{memoStartedBy: identity()},
		StaticSummary:                            operation + " of " + environment,
	}, operation, input)
	var taken *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &taken) {
		return nil, fail(exitBusy, "environment %q is busy: %s; watch it with `lockstep watch %s` or end it with `lockstep cancel %s`",
			environment, holder(ctx, c, environment), environment, environment)
	}
	if err != nil {
		return nil, fail(exitNoTemporal, "starting %s of %q: %w", operation, environment, err)
	}
	return run, nil
}

// holder says what runs on the environment.
func holder(ctx context.Context, c server, environment string) string {
	d, err := c.DescribeWorkflow(ctx, workflows.CanonicalID(environment), "")
	if err != nil {
		return "another operation runs"
	}
	by := ""
	if payload := d.Memo.GetFields()[memoStartedBy]; payload != nil && c.DataConverter.FromPayload(payload, &by) == nil {
		by = " by " + by
	}
	return fmt.Sprintf("%s runs since %s%s%s", d.WorkflowType.Name, d.WorkflowStartTime.Local().Format(time.DateTime), by, undecided(ctx, c, environment))
}

// undecided says of an operation that waits for a decision that it does.
func undecided(ctx context.Context, c client.Client, environment string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var status workflows.Status
	answer, err := c.QueryWorkflow(ctx, workflows.CanonicalID(environment), "", workflows.QueryStatus)
	if err != nil || answer.Get(&status) != nil || len(display.Commands(status)) == 0 {
		return ""
	}
	return fmt.Sprintf(" and waits for a decision: `%s`", strings.Join(display.Commands(status), "`, `"))
}

// checkWorker says what is missing when nobody would carry out what is started.
func checkWorker(ctx context.Context, c client.Client, taskQueue string) error {
	d, err := c.DescribeTaskQueue(ctx, taskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return fail(exitNoTemporal, "asking Temporal for the workers of task queue %q: %w", taskQueue, err)
	}
	if len(d.GetPollers()) == 0 {
		return fail(exitNoTemporal, "no worker listens on task queue %q: start one with `bin/worker`, or name the queue of one with --task-queue", taskQueue)
	}
	return nil
}
