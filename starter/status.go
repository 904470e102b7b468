package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"lockstep/starter/display"
	"lockstep/workflows"
)

func (c *cli) status() *cobra.Command {
	return &cobra.Command{
		Use: "status ENVIRONMENT", Short: "Show the operation that runs, or ran last", Args: cobra.ExactArgs(1),
		RunE: c.ofLast(func(w watcher, d *client.WorkflowExecutionDescription) error {
			view, err := w.view(w.cmd.Context())
			if err != nil {
				return w.withoutBoard(d, err)
			}
			return w.show(view)
		}),
	}
}

// show writes the board as it is now, and the whole of what went wrong.
func (w watcher) show(view display.View) error {
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
	fmt.Fprintln(out, w.link())
	return nil
}

// withoutBoard says what Temporal knows by itself of an operation whose board cannot be read.
func (w watcher) withoutBoard(d *client.WorkflowExecutionDescription, why error) error {
	running := d.Status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	if running && !errors.Is(why, errNoBoard) {
		return fail(exitNoTemporal, "%s of %q runs since %s, but %w; it goes on where it stopped", d.WorkflowType.Name, w.environment, d.WorkflowStartTime.Local().Format(time.DateTime), why)
	}
	status := workflows.Status{Environment: w.environment, Operation: strings.ToLower(d.WorkflowType.Name), Phase: workflows.PhaseRunning, Started: d.WorkflowStartTime}
	if !running {
		status.Phase, status.Outcome, status.Ended = workflows.PhaseEnded, workflows.OutcomeDone, d.WorkflowCloseTime
		if err := w.temporal.GetWorkflow(w.cmd.Context(), workflows.CanonicalID(w.environment), w.run).Get(w.cmd.Context(), nil); err != nil {
			_, status.Outcome, status.Error = classify(err, nil)
		}
	}
	if !errors.Is(why, errNoBoard) {
		fmt.Fprintln(w.cmd.ErrOrStderr(), "its steps are not known:", why)
	}
	return w.show(display.View{Status: status})
}
