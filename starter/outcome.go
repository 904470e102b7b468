package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"lockstep/activities"
	"lockstep/config/operation"
	"lockstep/internal/failure"
	"lockstep/starter/display"
	"lockstep/starter/operations"
	"lockstep/workflows"
	"lockstep/workflows/board"
)

// outcome is what -o json prints when an operation has ended.
type outcome struct {
	Outcome string          `json:"outcome"`
	Error   string          `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Status  *board.Status   `json:"status,omitempty"`
	UI      string          `json:"ui"`
}

// conclude shows how an operation ended: the board as it is then, and the result or the whole diagnosis.
func (w watcher) conclude(screen *display.Screen, result json.RawMessage, err error) error {
	o := outcome{Outcome: board.OutcomeDone, Result: result, UI: w.temporal.Link(w.Operation)}
	if view, viewErr := w.temporal.View(context.WithoutCancel(w.cmd.Context()), w.Operation); viewErr == nil {
		o.Status = &view.Status
		screen.End(view, time.Now())
	}
	screen.Close()
	status := exitDone
	row, _ := operation.OfType(w.Operation.Operation)
	switch {
	case err == nil && row.Result == operation.Differences && drifted(result):
		status, o.Outcome = exitDrifted, board.OutcomeDrifted
	case err != nil:
		end := operations.End(err, o.Status)
		status, o.Outcome, o.Error = code(end), end.Outcome, end.Error
	}
	switch {
	case w.json:
		if err := json.NewEncoder(w.cmd.OutOrStdout()).Encode(o); err != nil {
			return err
		}
	case err == nil:
		if err := showResult(w.cmd.OutOrStdout(), row.Result, result); err != nil {
			return err
		}
	default:
		fmt.Fprintf(w.cmd.ErrOrStderr(), "\n%s: %s\n", o.Outcome, display.Clean(o.Error))
	}
	if status == exitDone {
		return nil
	}
	return &exit{code: status, err: errors.New(o.Error), quiet: true}
}

// showResult writes what an operation gave back for people.
func showResult(out io.Writer, what operation.Result, result json.RawMessage) error {
	switch what {
	case operation.Report:
		var report activities.Report
		if err := json.Unmarshal(result, &report); err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		return display.Report(out, report)
	case operation.Differences:
		var report workflows.DriftReport
		if err := json.Unmarshal(result, &report); err != nil {
			return fmt.Errorf("reading the differences: %w", err)
		}
		return display.Drift(out, report)
	case operation.Proofs:
		var v activities.Verification
		if err := json.Unmarshal(result, &v); err != nil {
			return fmt.Errorf("reading the proofs: %w", err)
		}
		for _, text := range v.Proved {
			fmt.Fprintln(out, "proved:", text)
		}
	}
	return nil
}

// code is the exit code for how an operation ended.
func code(end operations.Ending) int {
	switch {
	case end.Outcome == operations.OutcomeUnknown:
		return exitNoTemporal
	case end.Outcome == operations.OutcomeBusy:
		return exitBusy
	case end.Outcome == board.OutcomeRolledBack:
		return exitRolledBack
	case end.Type == string(failure.InvalidConfig):
		return exitBadInput
	case end.Type == string(failure.NotFound):
		return exitNothing
	}
	return exitFailed
}
