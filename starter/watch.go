package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep/config/settings"
	"lockstep/starter/display"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

const pollEvery = 500 * time.Millisecond

// watcher shows one operation until it ends.
type watcher struct {
	operations.Operation
	cmd      *cobra.Command
	temporal operations.Client
	json     bool
}

func (c *cli) watch() *cobra.Command {
	return &cobra.Command{
		Use: "watch ENVIRONMENT", Short: "Show the progress of the operation that runs, or ran last, until it ends", Args: cobra.ExactArgs(1),
		RunE: c.ofLast(watcher.follow),
	}
}

// ofLast is a command about the newest operation of the environment that its argument names.
func (c *cli) ofLast(run func(watcher) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		last, err := temporal.Get(cmd.Context(), args[0], "")
		if err != nil {
			return err
		}
		return run(watcher{cmd: cmd, temporal: temporal, Operation: last, json: c.output == "json"})
	}
}

// started is the answer to --detach.
func (w watcher) started() error {
	link := w.temporal.Link(w.Operation)
	if w.json {
		return json.NewEncoder(w.cmd.OutOrStdout()).Encode(map[string]string{
			"environment": w.Environment, "workflowId": workflows.CanonicalID(w.Environment), "runId": w.ID, "ui": link})
	}
	fmt.Fprintf(w.cmd.OutOrStdout(), "started; watch it with `lockstep watch %s`\n%s\n", w.Environment, link)
	return nil
}

// follow shows progress until the operation ends. Ctrl-C leaves it alone.
func (w watcher) follow() error {
	screen := display.NewScreen(w.cmd.ErrOrStderr(), settings.ReadTerminal())
	fmt.Fprintln(w.cmd.ErrOrStderr(), w.temporal.Link(w.Operation))
	var result json.RawMessage
	ended := make(chan error, 1)
	go func() {
		var err error
		result, err = w.temporal.Result(w.cmd.Context(), w.Operation)
		ended <- err
	}()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var last operations.View
	for {
		select {
		case err := <-ended:
			if w.cmd.Context().Err() != nil {
				return w.detached(screen, last)
			}
			return w.conclude(screen, result, err)
		case <-w.cmd.Context().Done():
			return w.detached(screen, last)
		case <-ticker.C:
			view, err := w.temporal.View(w.cmd.Context(), w.Operation)
			if err == nil {
				last = view
				screen.Show(view, time.Now())
			} else if w.cmd.Context().Err() == nil && !errors.Is(err, operations.ErrNoBoard) {
				screen.Trouble(err.Error())
			}
		}
	}
}

func (w watcher) detached(screen *display.Screen, last operations.View) error {
	screen.Close()
	if len(last.Next) > 0 {
		fmt.Fprintf(w.cmd.ErrOrStderr(), "\n%s\n", strings.Join(display.Next(last.Status), "\n"))
	}
	fmt.Fprintf(w.cmd.ErrOrStderr(), "\ndetached: the operation goes on; come back with `lockstep watch %s`, end it with `lockstep cancel %s`\n", w.Environment, w.Environment)
	return &exit{code: exitDetached, err: context.Canceled, quiet: true}
}
