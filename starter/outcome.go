package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/starter/display"
	"lockstep/workflows"
)

// outcome is what -o json prints when an operation has ended.
type outcome struct {
	Outcome string            `json:"outcome"`
	Error   string            `json:"error,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Status  *workflows.Status `json:"status,omitempty"`
	UI      string            `json:"ui"`
}

// Outcomes beside those that workflows give themselves.
const (
	outcomeBusy      = "busy"
	outcomeCancelled = "cancelled"
	outcomeUnknown   = "unknown"
)

// conclude shows how an operation ended: the board as it is then, and the result or the whole diagnosis.
func (w watcher) conclude(screen *display.Screen, operation string, result json.RawMessage, err error) error {
	o := outcome{Outcome: workflows.OutcomeDone, Result: result, UI: w.link()}
	if view, viewErr := w.view(context.WithoutCancel(w.cmd.Context())); viewErr == nil {
		o.Status = &view.Status
		screen.Show(view, time.Now())
	}
	screen.Close()
	code := exitDone
	if err != nil {
		code, o.Outcome, o.Error = classify(err, o.Status)
	}
	switch {
	case w.json:
		if err := json.NewEncoder(w.cmd.OutOrStdout()).Encode(o); err != nil {
			return err
		}
	case err == nil:
		return showResult(w.cmd.OutOrStdout(), operation, result)
	default:
		fmt.Fprintf(w.cmd.ErrOrStderr(), "\n%s: %s\n", o.Outcome, o.Error)
	}
	if code == exitDone {
		return nil
	}
	return &exit{code: code, err: errors.New(o.Error), quiet: true}
}

// showResult writes what an operation gave back for people.
func showResult(out io.Writer, operation string, result json.RawMessage) error {
	switch operation {
	case workflows.OperationDeploy:
		var report activities.Report
		if err := json.Unmarshal(result, &report); err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		return display.Report(out, report)
	case workflows.OperationVerify:
		var v activities.Verification
		if err := json.Unmarshal(result, &v); err != nil {
			return fmt.Errorf("reading what was proved: %w", err)
		}
		for _, text := range v.Proved {
			fmt.Fprintln(out, "proved:", text)
		}
	}
	return nil
}

// classify turns the end of a workflow, or of waiting for it, into exit code, outcome and text.
func classify(err error, status *workflows.Status) (int, string, string) {
	var ended *temporal.WorkflowExecutionError
	if !errors.As(err, &ended) {
		return exitNoTemporal, outcomeUnknown, lost(err)
	}
	var app *temporal.ApplicationError
	var terminated *temporal.TerminatedError
	switch {
	case errors.As(err, &app):
		switch app.Type() {
		case workflows.TypeRolledBack:
			return exitRolledBack, workflows.OutcomeRolledBack, app.Message()
		case workflows.TypeBusy:
			return exitBusy, outcomeBusy, app.Message()
		case activities.TypeInvalidConfig:
			return exitBadInput, workflows.OutcomeRefused, app.Message()
		case activities.TypeNotFound:
			return exitNothing, workflows.OutcomeRefused, app.Message()
		}
		return exitFailed, workflows.OutcomeFailed, app.Message()
	case temporal.IsCanceledError(err):
		return cancelled(status)
	case errors.As(err, &terminated):
		return exitFailed, workflows.OutcomeFailed, "terminated from outside: nothing was undone; deploy again to go on from there, or tear down"
	}
	return exitFailed, workflows.OutcomeFailed, err.Error()
}

func cancelled(status *workflows.Status) (int, string, string) {
	switch {
	case status == nil:
		return exitFailed, outcomeCancelled, "cancelled; no worker answers to say what is left: start one with `bin/worker` and ask again"
	case status.Outcome == workflows.OutcomeRolledBack:
		return exitRolledBack, workflows.OutcomeRolledBack, status.Error
	case status.Error != "":
		return exitFailed, outcomeCancelled, status.Error
	default:
		return exitFailed, outcomeCancelled, "cancelled before anything was done"
	}
}

// lost says why the end of an operation is not known.
func lost(err error) string {
	var absent *serviceerror.NotFound
	if errors.As(err, &absent) {
		return "Temporal does not know this run any more: " + err.Error()
	}
	return "Temporal stopped answering: " + err.Error() + "; the operation goes on once it is back"
}
