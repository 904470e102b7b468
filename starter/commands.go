package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"sigs.k8s.io/yaml"

	"lockstep/config"
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

func (c *cli) config() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Work with environment files"}
	load := func(use, short string, show func(cmd *cobra.Command, env config.Environment) error) *cobra.Command {
		var file string
		sub := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := config.Load(file)
			if err != nil {
				return &exit{code: exitBadInput, err: err}
			}
			return show(cmd, env)
		}}
		sub.Flags().StringVarP(&file, "file", "f", "", "environment file")
		_ = sub.MarkFlagRequired("file")
		_ = sub.MarkFlagFilename("file", "yaml", "yml")
		return sub
	}
	cmd.AddCommand(
		load("validate -f FILE", "Check an environment file and report every problem", func(cmd *cobra.Command, env config.Environment) error {
			for _, warning := range env.Warnings() {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "environment %q is valid\n", env.Name)
			return nil
		}),
		load("print -f FILE", "Show an environment with all defaults", func(cmd *cobra.Command, env config.Environment) error {
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(env)
			}
			text, err := yaml.Marshal(env)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		}),
		&cobra.Command{Use: "schema", Short: "Print the JSON Schema of environment files", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(schema)
			return err
		}},
	)
	return cmd
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
		fmt.Fprintf(cmd.OutOrStdout(), "lockstep %s %s (%s)\n", version, commit, runtime.Version())
		return nil
	}}
}
