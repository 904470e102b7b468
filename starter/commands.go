package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"lockstep/workflows/board"

	"github.com/spf13/cobra"
)

func (c *cli) cancel() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ENVIRONMENT", Short: "Cancel the operation that runs; a deployment undoes what it did", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			temporal, err := c.connect(cmd)
			if err != nil {
				return err
			}
			defer temporal.Close()
			last, err := temporal.Get(cmd.Context(), args[0], "")
			if err != nil {
				return err
			}
			undoing, err := temporal.Cancel(cmd.Context(), last)
			if err != nil {
				return err
			}
			if undoing {
				return c.say(cmd, args[0], board.PhaseCompensating, "it is already undoing what it did, and a cancellation does not stop that")
			}
			return c.say(cmd, args[0], "cancelling", "cancelling")
		},
	}
}

// say answers a command about an operation that goes on.
func (c *cli) say(cmd *cobra.Command, environment, state, text string) error {
	if c.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"environment": environment, "state": state})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s; watch it with `lockstep watch %s`\n", text, environment)
	return nil
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
