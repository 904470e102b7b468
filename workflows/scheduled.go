package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/failure"
	"lockstep/internal/holder"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// TypeScheduled is the workflow type of [Scheduled]. It is no operation, but carries one out.
const TypeScheduled = "Scheduled"

// ScheduledInput is the input of [Scheduled].
type ScheduledInput = Input[ScheduledOptions]

// ScheduledOptions say what is carried out.
type ScheduledOptions struct {
	// Operation is the verb of one that can be scheduled.
	Operation string `json:"operation"`
	// Options are those of the operation.
	Options config.Values `json:"options,omitempty"`
	// Schedule is the name of the schedule, for the operation's memo. It may be empty.
	Schedule string `json:"schedule,omitempty"`
}

func (ScheduledOptions) of() string { return TypeScheduled }

func (ScheduledOptions) example() string {
	return `{"environment": "dev", "operation": "verify", "options": {}}`
}

func (o ScheduledOptions) wrong() string {
	if !slices.Contains(operation.Scheduled(), o.Operation) {
		return fmt.Sprintf("operation %q cannot be scheduled: write one of %s", o.Operation, strings.Join(operation.Scheduled(), ", "))
	}
	return ""
}

// carried is the operation's input as [ScheduledInput] gives it. The operation itself checks the options, as strictly as if a person
// had typed them.
type carried ScheduledInput

// MarshalJSON puts the options beside the environment.
func (in carried) MarshalJSON() ([]byte, error) {
	input := map[string]any{}
	maps.Copy(input, in.Options.Options)
	input["environment"] = in.Environment
	if len(in.Overrides) > 0 {
		input["overrides"] = in.Overrides
	}
	return json.Marshal(input)
}

// ScheduledResult is what came of a scheduled operation that did not fail.
type ScheduledResult struct {
	Outcome   string `json:"outcome"` // of the operation, or [board.OutcomeSkipped]
	Operation string `json:"operation"`
	Reason    string `json:"reason,omitempty"` // why it was skipped
}

// Scheduled carries out an operation when a schedule says so. A busy environment makes it skip its turn, which is no failure; an
// operation that fails fails it, so that its schedule pauses.
func Scheduled(ctx workflow.Context, in ScheduledInput) (ScheduledResult, error) {
	name, err := in.environment(ctx)
	if err != nil {
		return ScheduledResult{}, err
	}
	row, _ := operation.OfVerb(in.Options.Operation)
	err = workflow.UpsertTypedSearchAttributes(ctx, board.AttributeEnvironment.ValueSet(name), board.AttributeOperation.ValueSet(row.Verb), board.AttributePhase.ValueSet(board.PhaseRunning))
	if err != nil {
		return ScheduledResult{}, err
	}
	memo := map[string]any{holder.MemoStartedBy: strings.TrimSpace("schedule " + in.Options.Schedule)}
	says, err := runChild[ending](ctx, name, row.Type, carried(in), memo)
	result := ScheduledResult{Operation: row.Verb, Outcome: says.outcome()}
	switch {
	case errorType(err) == TypeBusy:
		result.Outcome, result.Reason = board.OutcomeSkipped, fmt.Sprintf("environment %q is busy: %s", name, whatRuns(ctx, name))
		workflow.SetCurrentDetails(ctx, "**skipped**, nothing was started or changed: "+result.Reason)
		err = nil
	case temporal.IsCanceledError(err):
		return ScheduledResult{}, err
	case err != nil:
		err = own(err)
		result.Outcome = outcomeOf(err)
	}
	attributes := workflow.UpsertTypedSearchAttributes(ctx, board.AttributePhase.ValueSet(board.PhaseEnded), board.AttributeOutcome.ValueSet(result.Outcome))
	if attributes != nil {
		workflow.GetLogger(ctx).Warn("Search attributes not updated", "error", attributes)
	}
	return result, err
}

// ending is the part of an operation's result that says that it is more than done.
type ending struct {
	Drifted bool `json:"drifted"`
}

func (e ending) outcome() string {
	if e.Drifted {
		return board.OutcomeDrifted
	}
	return board.OutcomeDone
}

// whatRuns says what runs on the environment.
func whatRuns(ctx workflow.Context, environment string) string {
	h, err := call.Get[holder.Holder](ctx, call.Look("ask what runs"), a.FindHolder, CanonicalID(environment))
	if err != nil {
		return "another operation runs"
	}
	return h.String()
}

// own is the child's error as this workflow's. Where a schedule says why it paused, Temporal shows only the outermost text.
func own(err error) error {
	var app *temporal.ApplicationError
	var terminated *temporal.TerminatedError
	switch {
	case errors.As(err, &app):
		return temporal.NewNonRetryableApplicationError(app.Message(), app.Type(), nil)
	case errors.As(err, &terminated):
		return temporal.NewNonRetryableApplicationError("the operation was terminated from outside: nothing was undone; deploy again to go on from there, or tear down", board.TypeFailed, nil)
	}
	return err
}

func outcomeOf(err error) string {
	switch errorType(err) {
	case board.TypeRolledBack:
		return board.OutcomeRolledBack
	case string(failure.InvalidConfig), string(failure.NotFound):
		return board.OutcomeRefused
	}
	return board.OutcomeFailed
}

func errorType(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Type()
	}
	return ""
}
