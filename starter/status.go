package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep/starter/display"
	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

func (c *cli) status() *cobra.Command {
	return &cobra.Command{
		Use: "status ENVIRONMENT", Short: "Show the operation that runs, or ran last", Args: cobra.ExactArgs(1),
		RunE: c.ofLast(func(w watcher) error {
			view, err := w.temporal.View(w.cmd.Context(), w.Operation)
			if err != nil {
				return w.withoutBoard(err)
			}
			return w.show(view)
		}),
	}
}

// show writes the board as it is now, and the whole of what went wrong.
func (w watcher) show(view operations.View) error {
	out := w.cmd.OutOrStdout()
	if w.json {
		return json.NewEncoder(out).Encode(view)
	}
	for _, line := range display.Table(view, time.Now(), display.Style{}) {
		fmt.Fprintln(out, line)
	}
	if text := display.Diagnosis(view.Status); text != "" {
		fmt.Fprintf(out, "\n%s\n\n", text)
	}
	fmt.Fprintln(out, w.temporal.Link(w.Operation))
	return nil
}

// withoutBoard says what Temporal knows by itself of an operation whose board cannot be read.
func (w watcher) withoutBoard(why error) error {
	if w.Running() && !errors.Is(why, operations.ErrNoBoard) {
		return fail(exitNoTemporal, "%s of %q has been running since %s, but %w; it goes on where it stopped",
			w.Operation.Operation, w.Environment, w.Started.Local().Format(time.DateTime), why)
	}
	status := board.Status{Environment: w.Environment, Operation: strings.ToLower(w.Operation.Operation), Phase: board.PhaseRunning, Started: w.Started}
	if !w.Running() {
		status.Phase, status.Outcome, status.Ended = board.PhaseEnded, board.OutcomeDone, w.Ended
		if _, err := w.temporal.Result(w.cmd.Context(), w.Operation); err != nil {
			end := operations.End(err, nil)
			status.Outcome, status.Error = end.Outcome, end.Error
		}
	}
	if !errors.Is(why, operations.ErrNoBoard) {
		fmt.Fprintln(w.cmd.ErrOrStderr(), "its steps cannot be read:", why)
	}
	return w.show(operations.View{Status: status})
}
