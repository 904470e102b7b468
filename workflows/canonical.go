package workflows

import (
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"
)

// TypeBusy is the application error type of an operation that found its environment taken.
const TypeBusy = "Busy"

// CanonicalID is the workflow id of every operation on an environment: Temporal allows one running workflow per id, which makes
// it the environment's lock.
func CanonicalID(environment string) string { return "environment/" + environment }

// canonical says whether this run holds the environment's lock.
func canonical(ctx workflow.Context, environment string) bool {
	return workflow.GetInfo(ctx).WorkflowExecution.ID == CanonicalID(environment)
}

// delegate runs the operation as a child with the canonical id, for runs started under another id, as from the Temporal UI. A busy
// environment is refused at once.
func delegate[T any](ctx workflow.Context, environment, operation string, input any) (T, error) {
	return runChild[T](ctx, environment, operation, input, nil)
}

func runChild[T any](ctx workflow.Context, environment, operation string, input any, memo map[string]any) (T, error) {
	var result T
	id := CanonicalID(environment)
	err := workflow.SetQueryHandler(ctx, board.QueryStatus, func() (board.Status, error) {
		return board.Status{Environment: environment, Operation: operation, Phase: board.PhaseRunning, Child: id}, nil
	})
	if err != nil {
		return result, fmt.Errorf("offering the status query: %w", err)
	}
	if err := referTo(ctx, id); err != nil {
		return result, err
	}
	child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:               id,
		WaitForCancellation:      true,
		ParentClosePolicy:        enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionTimeout: 0,
		Memo:                     memo,
		StaticSummary:            operation + " of " + environment,
	}), operation, input)
	var run workflow.Execution
	if child.GetChildWorkflowExecution().Get(ctx, &run) == nil {
		workflow.SetCurrentDetails(ctx, board.Delegated(workflow.GetInfo(ctx).Namespace, run, nil))
	}
	err = child.Get(ctx, &result)
	var taken *temporal.ChildWorkflowExecutionAlreadyStartedError
	if errors.As(err, &taken) {
		why := fmt.Sprintf("environment %q is busy: workflow %q is running; watch it with `lockstep watch %s` or end it with `lockstep cancel %s`",
			environment, id, environment, environment)
		workflow.SetCurrentDetails(ctx, refusedDetails(why))
		return result, temporal.NewNonRetryableApplicationError(why, TypeBusy, nil)
	}
	if err != nil {
		workflow.SetCurrentDetails(ctx, board.Delegated(workflow.GetInfo(ctx).Namespace, run, err))
	}
	return result, err
}

// referTo refuses Updates with where they go.
func referTo(ctx workflow.Context, child string) error {
	for _, name := range []string{decision.UpdateRetry, decision.UpdateSkip, decision.UpdateRollback, decision.UpdateApprove} {
		options := workflow.UpdateHandlerOptions{Description: "Send this to " + child + ", which does the work", Validator: func(workflow.Context, map[string]any) error {
			return decision.Refused("this workflow only started %s, which does the work: send the Update there", child)
		}}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, name, func(workflow.Context, map[string]any) error { return nil }, options); err != nil {
			return fmt.Errorf("offering the update %s: %w", name, err)
		}
	}
	return nil
}

// begin is what all operations begin with. An operation that does not hold its environment's lock is handed over to one that does; the one
// that holds it checks the environment, and goes on with it.
func begin[R any, O optionSet](ctx workflow.Context, in Input[O], perform func(config.Environment) (R, error)) (R, error) {
	var none R
	name, err := in.environment(ctx)
	if err != nil {
		return none, err
	}
	if !canonical(ctx, name) {
		return delegate[R](ctx, name, in.Options.of(), in)
	}
	env, err := checked(ctx, in.Request, config.Chart{})
	if err != nil {
		return none, err
	}
	return perform(env)
}

// checked reads, completes and validates the environment. That happens in an activity, so that what an operation works on is in its
// history: a later version may have other defaults and rules, and a file may change. gateway is the chart to stay with, if there is one.
func checked(ctx workflow.Context, in Request, gateway config.Chart) (config.Environment, error) {
	given := activities.CheckInput{Environment: in.Environment, Overrides: in.Overrides, GatewayChart: gateway}
	env, err := call.Get[config.Environment](ctx, call.Quick("check the environment"), a.CheckEnvironment, given)
	if err != nil {
		workflow.SetCurrentDetails(ctx, refusedDetails(board.Message(err)))
	}
	return env, err
}
