package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Heartbeats come every few seconds from a ticker in the worker; three missed ones mean that it is gone.
const heartbeatTimeout = 20 * time.Second

// quick is for activities that ask or change a few objects: two to three minutes of attempts.
func quick(summary string) workflow.ActivityOptions {
	return options(summary, time.Minute, 12)
}

// look is for checks before anything was touched: whoever waits for them would rather know soon.
func look(summary string) workflow.ActivityOptions {
	return options(summary, 2*time.Minute, 4)
}

// work is for activities that transfer data or run Helm hooks: some ten minutes of attempts beside the time they take.
func work(summary string) workflow.ActivityOptions {
	return options(summary, 20*time.Minute, 30)
}

// wait is for activities that watch until something is ready. One attempt may use the whole limit. The activity ends the wait itself,
// with a diagnosis that is final, shortly before Temporal would without one; other attempts are for lost workers.
func wait(summary string, limit time.Duration) workflow.ActivityOptions {
	return options(summary, limit, 6)
}

// undo is for compensation: it tries longer than anything else, since giving up leaves something behind.
func undo(summary string) workflow.ActivityOptions {
	o := options(summary, 5*time.Minute, 20)
	o.RetryPolicy.MaximumInterval = time.Minute
	return o
}

// undoNow is for compensation inside a product that runs: one that does not answer is not waited for long.
func undoNow(summary string) workflow.ActivityOptions {
	return options(summary, 30*time.Second, 6)
}

// options bound the attempts and the time of each, not the time over all of them: that would run while no worker does.
func options(summary string, attempt time.Duration, attempts int32) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: attempt,
		HeartbeatTimeout:    heartbeatTimeout,
		// Undo must not overlap a Do that is still running: wait until a cancelled activity has said that it stopped.
		WaitForCancellation: true,
		Summary:             summary,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    20 * time.Second,
			MaximumAttempts:    attempts,
		},
	}
}

// call runs one activity. The activity is named by its method, so that "go to definition" leads to what runs.
func call[T any](ctx workflow.Context, o workflow.ActivityOptions, activity, input any) (T, error) {
	var result T
	err := execute(ctx, o, activity, input).Get(ctx, &result)
	return result, err
}

// tell runs an activity without a result.
func tell(ctx workflow.Context, o workflow.ActivityOptions, activity, input any) error {
	return execute(ctx, o, activity, input).Get(ctx, nil)
}

func execute(ctx workflow.Context, o workflow.ActivityOptions, activity, input any) workflow.Future {
	if c, ok := ctx.Value(callsKey{}).(*calls); ok {
		o.ActivityID = c.next()
	}
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), activity, input)
}

// callsKey is the context key of [calls].
type callsKey struct{}

// calls numbers the activities of one step. Their ids, as identity-server.2, lead from a pending activity to its step.
type calls struct {
	step string
	made int
}

func (c *calls) next() string {
	c.made++
	return fmt.Sprintf("%s.%d", c.step, c.made)
}

// StepOf is the step that an activity id belongs to.
func StepOf(activityID string) string {
	step, _, _ := strings.Cut(activityID, ".")
	return step
}
