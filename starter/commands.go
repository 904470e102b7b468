package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"

	"lockstep/workflows"
)

func (c *cli) cancel() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ENVIRONMENT", Short: "Cancel the operation that runs; a deployment undoes what it did", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			temporal, err := connect(cmd.Context())
			if err != nil {
				return err
			}
			defer temporal.Close()
			d, err := describe(cmd.Context(), temporal, args[0])
			if err != nil {
				return err
			}
			if d.Status != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING { // Temporal would accept it all the same
				return fail(exitBadInput, "no operation runs on environment %q: `lockstep status %s` shows the last one", args[0], args[0])
			}
			if err := temporal.CancelWorkflow(cmd.Context(), workflows.CanonicalID(args[0]), d.WorkflowExecution.RunID); err != nil {
				return fail(exitNoTemporal, "cancelling the operation on %q: %w", args[0], err)
			}
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"environment": args[0], "state": "cancelling"})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cancelling; watch it with `lockstep watch %s`\n", args[0])
			return nil
		},
	}
}

func (c *cli) version() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Show the version", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		version, commit := "devel", ""
		if info, ok := debug.ReadBuildInfo(); ok {
			if info.Main.Version != "" && info.Main.Version != "(devel)" {
				version = info.Main.Version
			}
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value
				}
			}
		}
		if c.output == "json" {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"version": version, "commit": commit, "go": runtime.Version()})
		}
		if commit != "" {
			version += " " + commit
		}
		fmt.Fprintf(cmd.OutOrStdout(), "lockstep %s (%s)\n", version, runtime.Version())
		return nil
	}}
}
