// Package call runs activities from workflows: with the attempts and time that suit what they do, and ids that name their step.
package call

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Heartbeats come every few seconds from a ticker in the worker; three missed ones mean that it is gone.
const heartbeatTimeout = 20 * time.Second

// Quick is for activities that ask or change a few objects: two to three minutes of attempts.
func Quick(summary string) workflow.ActivityOptions {
	return Bounded(summary, time.Minute, 12)
}

// Look is for checks before anything was touched: whoever waits for them would rather know soon.
func Look(summary string) workflow.ActivityOptions {
	return Bounded(summary, 2*time.Minute, 4)
}

// Work is for activities that transfer data or run Helm hooks: some ten minutes of attempts beside the time they take.
func Work(summary string) workflow.ActivityOptions {
	return Bounded(summary, 20*time.Minute, 30)
}

// Wait is for activities that watch until something is ready. One attempt may use the whole limit. The activity ends the wait itself,
// with a diagnosis that is final, shortly before Temporal would without one; other attempts are for lost workers.
func Wait(summary string, limit time.Duration) workflow.ActivityOptions {
	return Bounded(summary, limit, 6)
}

// Undo is for compensation: it tries longer than anything else, since giving up leaves something behind.
func Undo(summary string) workflow.ActivityOptions {
	o := Bounded(summary, 5*time.Minute, 20)
	o.RetryPolicy.MaximumInterval = time.Minute
	return o
}

// UndoNow is for compensation inside a product that runs: one that does not answer is not waited for long.
func UndoNow(summary string) workflow.ActivityOptions {
	return Bounded(summary, 30*time.Second, 6)
}

// Bounded bounds the attempts and the time of each, not the time over all of them: that would run while no worker does.
func Bounded(summary string, attempt time.Duration, attempts int32) workflow.ActivityOptions {
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

// Get runs one activity. The activity is named by its method, so that "go to definition" leads to what runs.
func Get[T any](ctx workflow.Context, o workflow.ActivityOptions, activity, input any) (T, error) {
	var result T
	err := execute(ctx, o, activity, input).Get(ctx, &result)
	return result, err
}

// Do runs an activity without a result.
func Do(ctx workflow.Context, o workflow.ActivityOptions, activity, input any) error {
	return execute(ctx, o, activity, input).Get(ctx, nil)
}

func execute(ctx workflow.Context, o workflow.ActivityOptions, activity, input any) workflow.Future {
	if c, ok := ctx.Value(numbersKey{}).(*Numbers); ok {
		o.ActivityID = c.next()
	}
	return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), activity, input)
}

// Numbered has activities numbered for a step.
func Numbered(ctx workflow.Context, n *Numbers) workflow.Context {
	return workflow.WithValue(ctx, numbersKey{}, n)
}

// numbersKey is the context key of [Numbers].
type numbersKey struct{}

// Numbers count the activities of one step. Their ids, as identity-server.2, lead from a pending activity to its step.
type Numbers struct {
	Step string
	made int
}

func (c *Numbers) next() string {
	c.made++
	return fmt.Sprintf("%s.%d", c.Step, c.made)
}

// StepOf is the step that an activity id belongs to.
func StepOf(activityID string) string {
	step, _, _ := strings.Cut(activityID, ".")
	return step
}
