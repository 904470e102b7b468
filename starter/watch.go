package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/starter/display"
	"lockstep/workflows"
)

const pollEvery = 500 * time.Millisecond

// watcher shows one run of an operation until it ends.
type watcher struct {
	cmd         *cobra.Command
	temporal    server
	environment string
	run         string
	json        bool
	ui          string
}

func (c *cli) watch() *cobra.Command {
	return &cobra.Command{
		Use: "watch ENVIRONMENT", Short: "Show the progress of the operation that runs, or ran last, until it ends", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := c.settings(cmd)
			if err != nil {
				return err
			}
			temporal, err := connect(cmd.Context())
			if err != nil {
				return err
			}
			defer temporal.Close()
			d, err := describe(cmd.Context(), temporal, args[0])
			if err != nil {
				return err
			}
			w := watcher{cmd: cmd, temporal: temporal, environment: args[0], run: d.WorkflowExecution.RunID, json: c.output == "json", ui: settings.UIURL}
			return w.follow(func(cmd *cobra.Command, result json.RawMessage) error {
				if d.WorkflowType.Name != workflows.OperationDeploy {
					return nil
				}
				var report activities.Report
				if err := json.Unmarshal(result, &report); err != nil {
					return err
				}
				return display.Report(cmd.OutOrStdout(), report)
			})
		},
	}
}

// describe finds the newest operation of an environment.
func describe(ctx context.Context, c client.Client, environment string) (*client.WorkflowExecutionDescription, error) {
	d, err := c.DescribeWorkflow(ctx, workflows.CanonicalID(environment), "")
	var absent *serviceerror.NotFound
	if errors.As(err, &absent) {
		return nil, fail(exitBadInput, "no operation on environment %q is known to Temporal: check the name, or start one with `lockstep deploy`", environment)
	}
	if err != nil {
		return nil, fail(exitNoTemporal, "asking Temporal for environment %q: %w", environment, err)
	}
	return d, nil
}

// started is the answer to --detach.
func (w watcher) started() error {
	if w.json {
		return json.NewEncoder(w.cmd.OutOrStdout()).Encode(map[string]string{
			"environment": w.environment, "workflowId": workflows.CanonicalID(w.environment), "runId": w.run, "ui": w.link()})
	}
	fmt.Fprintf(w.cmd.OutOrStdout(), "started; watch it with `lockstep watch %s`\n%s\n", w.environment, w.link())
	return nil
}

func (w watcher) link() string {
	id := strings.ReplaceAll(workflows.CanonicalID(w.environment), "/", "%2F")
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s", strings.TrimRight(w.ui, "/"), w.temporal.namespace, id, w.run)
}

// follow shows progress until the run ends. Ctrl-C leaves the run alone.
func (w watcher) follow(show func(*cobra.Command, json.RawMessage) error) error {
	screen := display.NewScreen(w.cmd.ErrOrStderr(), config.LoadTerminal())
	fmt.Fprintln(w.cmd.ErrOrStderr(), w.link())
	var result json.RawMessage
	ended := make(chan error, 1)
	go func() {
		ended <- w.temporal.GetWorkflow(w.cmd.Context(), workflows.CanonicalID(w.environment), w.run).Get(w.cmd.Context(), &result)
	}()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			if w.cmd.Context().Err() != nil {
				return w.detached(screen)
			}
			return w.conclude(screen, result, err, show)
		case <-w.cmd.Context().Done():
			return w.detached(screen)
		case <-ticker.C:
			view, err := w.view(w.cmd.Context())
			if err == nil {
				screen.Show(view, time.Now())
			} else if w.cmd.Context().Err() == nil {
				screen.Trouble(err.Error())
			}
		}
	}
}

func (w watcher) detached(screen *display.Screen) error {
	screen.Close()
	fmt.Fprintf(w.cmd.ErrOrStderr(), "\ndetached: the operation goes on; come back with `lockstep watch %s`, end it with `lockstep cancel %s`\n", w.environment, w.environment)
	return &exit{code: exitDetached, err: context.Canceled, quiet: true}
}

// view is the board with what the activities under way say of themselves.
func (w watcher) view(ctx context.Context) (display.View, error) {
	id := workflows.CanonicalID(w.environment)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := w.temporal.QueryWorkflow(ctx, id, w.run, workflows.QueryStatus)
	if err != nil {
		return display.View{}, fmt.Errorf("the worker does not answer (%w)", err)
	}
	view := display.View{Doing: map[string]string{}}
	if err := answer.Get(&view.Status); err != nil {
		return view, fmt.Errorf("reading the status: %w", err)
	}
	if view.Status.Phase == workflows.PhaseEnded {
		return view, nil
	}
	d, err := w.temporal.DescribeWorkflowExecution(ctx, id, w.run)
	if err != nil {
		return view, nil // the board alone will do
	}
	for _, pending := range d.GetPendingActivities() {
		text := ""
		_ = converter.GetDefaultDataConverter().FromPayloads(pending.GetHeartbeatDetails(), &text)
		if failure := pending.GetLastFailure(); failure != nil {
			text = fmt.Sprintf("attempt %d: %s", pending.GetAttempt(), failure.GetMessage())
		}
		view.Doing[workflows.StepOf(pending.GetActivityId())] = text
	}
	return view, nil
}

// outcome is what -o json prints when an operation has ended.
type outcome struct {
	Outcome string            `json:"outcome"`
	Error   string            `json:"error,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Status  *workflows.Status `json:"status,omitempty"`
	UI      string            `json:"ui"`
}

func (w watcher) conclude(screen *display.Screen, result json.RawMessage, err error, show func(*cobra.Command, json.RawMessage) error) error {
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
	if w.json {
		if err := json.NewEncoder(w.cmd.OutOrStdout()).Encode(o); err != nil {
			return err
		}
	} else if err == nil {
		return show(w.cmd, result)
	} else {
		fmt.Fprintf(w.cmd.ErrOrStderr(), "\n%s: %s\n", o.Outcome, o.Error)
	}
	if code == exitDone {
		return nil
	}
	return &exit{code: code, err: errors.New(o.Error), quiet: true}
}

// classify turns the end of a workflow into exit code, outcome and text.
func classify(err error, status *workflows.Status) (int, string, string) {
	text := err.Error()
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		text = app.Message()
		switch app.Type() {
		case workflows.TypeRolledBack:
			return exitRolledBack, workflows.OutcomeRolledBack, text
		case workflows.TypeBusy:
			return exitBusy, "busy", text
		case activities.TypeInvalidConfig:
			return exitBadInput, "refused", text
		}
		return exitFailed, workflows.OutcomeFailed, text
	}
	if temporal.IsCanceledError(err) {
		if status != nil && status.Outcome == workflows.OutcomeRolledBack {
			return exitRolledBack, workflows.OutcomeRolledBack, "cancelled; all that this run did is undone"
		}
		return exitFailed, "cancelled", text
	}
	var unreachable *serviceerror.Unavailable
	if errors.As(err, &unreachable) {
		return exitNoTemporal, "unknown", "Temporal stopped answering: " + text + "; the operation goes on once it is back"
	}
	return exitFailed, workflows.OutcomeFailed, text
}
