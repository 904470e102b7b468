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
		RunE: c.ofLast(func(w watcher, d *client.WorkflowExecutionDescription) error { return w.follow(d.WorkflowType.Name) }),
	}
}

// ofLast is a command about the newest operation of the environment that its argument names.
func (c *cli) ofLast(run func(watcher, *client.WorkflowExecutionDescription) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		settings, err := c.settings(cmd)
		if err != nil {
			return err
		}
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		d, err := describe(cmd.Context(), temporal, args[0])
		if err != nil {
			return err
		}
		w := watcher{cmd: cmd, temporal: temporal, environment: args[0], run: d.WorkflowExecution.RunID, json: c.output == "json", ui: settings.UIURL}
		return run(w, d)
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
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s", strings.TrimRight(w.ui, "/"), w.temporal.Namespace, id, w.run)
}

// follow shows progress until the run, of an operation of that name, ends. Ctrl-C leaves the run alone.
func (w watcher) follow(operation string) error {
	screen := display.NewScreen(w.cmd.ErrOrStderr(), config.LoadTerminal())
	fmt.Fprintln(w.cmd.ErrOrStderr(), w.link())
	var result json.RawMessage
	ended := make(chan error, 1)
	go func() {
		ended <- w.temporal.GetWorkflow(w.cmd.Context(), workflows.CanonicalID(w.environment), w.run).Get(w.cmd.Context(), &result)
	}()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var last display.View
	for {
		select {
		case err := <-ended:
			if w.cmd.Context().Err() != nil {
				return w.detached(screen, last)
			}
			return w.conclude(screen, operation, result, err)
		case <-w.cmd.Context().Done():
			return w.detached(screen, last)
		case <-ticker.C:
			view, err := w.view(w.cmd.Context())
			if err == nil {
				last = view
				screen.Show(view, time.Now())
			} else if w.cmd.Context().Err() == nil && !errors.Is(err, errNoBoard) {
				screen.Trouble(err.Error())
			}
		}
	}
}

func (w watcher) detached(screen *display.Screen, last display.View) error {
	screen.Close()
	if len(last.Next) > 0 {
		fmt.Fprintf(w.cmd.ErrOrStderr(), "\n%s\n", strings.Join(display.Next(last.Status), "\n"))
	}
	fmt.Fprintf(w.cmd.ErrOrStderr(), "\ndetached: the operation goes on; come back with `lockstep watch %s`, end it with `lockstep cancel %s`\n", w.environment, w.environment)
	return &exit{code: exitDetached, err: context.Canceled, quiet: true}
}

// errNoBoard is the answer of an operation that has not looked at its input yet, or that was refused for it.
var errNoBoard = errors.New("it has no steps yet")

// view is the board with what the activities under way say of themselves.
func (w watcher) view(ctx context.Context) (display.View, error) {
	id := workflows.CanonicalID(w.environment)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := w.temporal.QueryWorkflow(ctx, id, w.run, workflows.QueryStatus)
	var failed *serviceerror.QueryFailed
	if errors.As(err, &failed) {
		return display.View{}, errNoBoard
	}
	if err != nil {
		return display.View{}, fmt.Errorf("no worker answers (%w): start one with `bin/worker`", err)
	}
	view := display.View{Doing: map[string]string{}}
	if err := answer.Get(&view.Status); err != nil {
		return view, fmt.Errorf("reading the status: %w", err)
	}
	view.Next = display.Commands(view.Status)
	if view.Status.Phase == workflows.PhaseEnded {
		return view, nil
	}
	d, err := w.temporal.DescribeWorkflowExecution(ctx, id, w.run)
	if err != nil {
		return view, nil // the board alone will do
	}
	for _, pending := range d.GetPendingActivities() {
		text := ""
		_ = w.temporal.DataConverter.FromPayloads(pending.GetHeartbeatDetails(), &text)
		if failure := pending.GetLastFailure(); failure != nil {
			text = fmt.Sprintf("attempt %d: %s", pending.GetAttempt(), w.temporal.Message(failure))
		}
		view.Doing[workflows.StepOf(pending.GetActivityId())] = text
	}
	return view, nil
}
