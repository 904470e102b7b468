package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep/starter/display"
	"lockstep/starter/operations"
)

func (c *cli) history() *cobra.Command {
	var limit int
	var operation, outcome string
	cmd := &cobra.Command{
		Use: "history ENVIRONMENT", Short: "Show past operations with their outcome, who started them, when, and how long they took", Args: cobra.ExactArgs(1),
		Long: `Show the operations on an environment, newest first: begin, outcome, duration, who started them, and their runs,
for ` + "`lockstep logs --run`" + `. They go back as far as Temporal's retention. All but the newest come from Temporal's index, which may lag by a
moment.`,
		Example: "  lockstep history dev\n  lockstep history dev --operation deploy --outcome rolled-back --limit 5",
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many at most")
	cmd.Flags().StringVar(&operation, "operation", "", "only those of this kind, for example deploy")
	cmd.Flags().StringVar(&outcome, "outcome", "", "only those with this outcome: "+strings.Join(operations.Outcomes(), ", "))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := operations.Query{Environment: args[0], PageSize: limit}
		var err error
		if cmd.Flags().Changed("operation") {
			if q.Operation, err = typed(operation); err != nil {
				return fail(exitBadInput, "--operation: %w", err)
			}
		}
		if cmd.Flags().Changed("outcome") {
			if q.Outcome, err = named(outcome, operations.Outcomes()); err != nil {
				return fail(exitBadInput, "--outcome: %w", err)
			}
		}
		if limit < 1 {
			return fail(exitBadInput, "--limit %d shows nothing: write 1 or more", limit)
		}
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		found, err := past(cmd.Context(), temporal, q, limit)
		if err != nil {
			return err
		}
		return c.showHistory(cmd, q, found)
	}
	return cmd
}

// past are the newest operations that fit. The very newest is what Temporal knows for certain, for its index may be late.
func past(ctx context.Context, temporal operations.Client, q operations.Query, limit int) ([]operations.Operation, error) {
	newest, err := temporal.Get(ctx, q.Environment, "")
	if err != nil {
		return nil, err
	}
	var found []operations.Operation
	if q.Fits(newest) {
		found = append(found, newest)
	}
	for {
		page, next, err := temporal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, o := range page {
			if o.ID != newest.ID {
				found = append(found, o)
			}
		}
		if q.PageToken = next; len(next) == 0 || len(found) >= limit {
			return found[:min(limit, len(found))], nil
		}
	}
}

func (c *cli) showHistory(cmd *cobra.Command, q operations.Query, found []operations.Operation) error {
	if c.output == "json" {
		if found == nil {
			found = []operations.Operation{}
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
	}
	if len(found) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "no operation on environment %q matches: `lockstep history %s` shows all\n", q.Environment, q.Environment)
		return nil
	}
	return display.History(cmd.OutOrStdout(), found, time.Now())
}
