package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep/starter/display"
	"lockstep/starter/operations"
)

func (c *cli) logs() *cobra.Command {
	var run string
	var follow bool
	cmd := &cobra.Command{
		Use: "logs ENVIRONMENT [STEP]", Short: "Show what an operation did, with every failed attempt and decision", Args: cobra.RangeArgs(1, 2),
		Long: `Show what an operation did, in order: begin, end and findings of steps, their activities with failed attempts, decisions and who took them.
It shows the last operation on the environment, unless --run names another. With -o json each line is an object.

It comes from Temporal's history, which keeps only the last of several failed attempts. Inputs and results are not shown. Failures quote logs
of pods; the commands for the whole logs are at the end.`,
		Example: "  lockstep logs dev\n  lockstep logs dev api-manager --follow",
	}
	cmd.Flags().StringVar(&run, "run", "", "the run, as lockstep history shows it (default: the last)")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the operation ends")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		o, err := temporal.Get(cmd.Context(), args[0], run)
		if err != nil {
			return err
		}
		l := logger{watcher: watcher{cmd: cmd, temporal: temporal, Operation: o, json: c.output == "json"}, seen: map[operations.Entry]bool{}}
		if len(args) > 1 {
			l.step = args[1]
		}
		return l.run(follow)
	}
	return cmd
}

// logger writes the log of one operation.
type logger struct {
	watcher
	step  string // if not all
	seen  map[operations.Entry]bool
	steps []string // of the operation, as far as they are known
	texts []string // that were written
}

func (l *logger) run(follow bool) error {
	entries, last, err := l.temporal.Log(l.cmd.Context(), l.Operation)
	if err != nil {
		return err
	}
	entries = append(entries, l.board()...)
	operations.SortLog(entries)
	if err := l.knows(entries); err != nil {
		return err
	}
	if !l.json {
		fmt.Fprintf(l.cmd.ErrOrStderr(), "%s of %s, run %s\n", l.Operation.Operation, l.Environment, l.ID)
	}
	if err := l.write(entries); err != nil {
		return err
	}
	if follow {
		if err := l.follow(last); err != nil {
			return err
		}
	}
	return l.more()
}

// board is what the board adds that has not been written yet.
func (l *logger) board() (fresh []operations.Entry) {
	view, err := l.temporal.View(l.cmd.Context(), l.Operation)
	if err != nil {
		if l.steps == nil && l.cmd.Context().Err() == nil && !errors.Is(err, operations.ErrNoBoard) {
			fmt.Fprintln(l.cmd.ErrOrStderr(), "the findings of steps cannot be read:", err)
			l.steps = []string{}
		}
		return nil
	}
	l.steps = nil
	for _, row := range view.Status.Steps {
		l.steps = append(l.steps, row.Name)
	}
	for _, entry := range operations.BoardLog(view, time.Now()) {
		key := entry
		if key.Event == operations.EventAttempt {
			key.At = time.Time{}
		}
		if !l.seen[key] {
			l.seen[key] = true
			fresh = append(fresh, entry)
		}
	}
	return fresh
}

// knows fails if a step was asked for that the operation does not have.
func (l *logger) knows(entries []operations.Entry) error {
	known := slices.Clone(l.steps)
	for _, entry := range entries {
		if entry.Step != "" && !slices.Contains(known, entry.Step) {
			known = append(known, entry.Step)
		}
	}
	switch {
	case l.step == "" || slices.Contains(known, l.step):
		return nil
	case len(known) == 0:
		return fail(exitBadInput, "%s of %q has no step %q: it has no steps yet; `lockstep logs %s` shows what it did so far", l.Operation.Operation, l.Environment, l.step, l.Environment)
	}
	return fail(exitBadInput, "%s of %q has no step %q: choose one of %s", l.Operation.Operation, l.Environment, l.step, strings.Join(known, ", "))
}

func (l *logger) write(entries []operations.Entry) error {
	for _, entry := range entries {
		if l.step != "" && entry.Step != l.step {
			continue
		}
		l.texts = append(l.texts, entry.Text)
		if l.json {
			if err := json.NewEncoder(l.cmd.OutOrStdout()).Encode(entry); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(l.cmd.OutOrStdout(), display.LogEntry(entry))
	}
	return nil
}

// follow writes what comes after an event, until the operation ends or Ctrl-C.
func (l *logger) follow(after int64) error {
	ctx, cancel := context.WithCancel(l.cmd.Context())
	defer cancel()
	came, ended := make(chan operations.Entry), make(chan error, 1)
	go func() {
		ended <- l.temporal.FollowLog(ctx, l.Operation, after, func(e operations.Entry) {
			select {
			case came <- e:
			case <-ctx.Done():
			}
		})
	}()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		var entries []operations.Entry
		select {
		case entry := <-came:
			entries = []operations.Entry{entry}
		case <-ticker.C:
			entries = l.board()
		case err := <-ended:
			if l.cmd.Context().Err() != nil {
				return &exit{code: exitDetached, err: context.Canceled, quiet: true}
			}
			return errors.Join(l.write(l.board()), err)
		}
		if err := l.write(entries); err != nil {
			return err
		}
	}
}

// more says how to see whole logs of what is named in what was written.
func (l *logger) more() error {
	commands := display.PodLogs(l.texts...)
	if l.json || len(commands) == 0 {
		return nil
	}
	fmt.Fprintf(l.cmd.ErrOrStderr(), "\nWhole logs, as long as the pods exist:\n  %s\n", strings.Join(commands, "\n  "))
	return nil
}
