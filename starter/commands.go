package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lockstep/starter/operations"
	"lockstep/workflows/board"
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

func (c *cli) clusters() *cobra.Command {
	return &cobra.Command{
		Use: "clusters", Short: "Show the clusters, what is on each, and who serves it", Args: cobra.NoArgs,
		Long: `Show the clusters that workers serve: task queue, number of workers, versions of Kubernetes and of the gateway chart, environments. It asks
the workers of the task queues that this machine's cluster files name (setting clusters), and of those that the workers name. It changes nothing.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			temporal, err := c.connect(cmd)
			if err != nil {
				return err
			}
			defer temporal.Close()
			found, err := temporal.ListClusters(cmd.Context())
			if err != nil {
				return err
			}
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			}
			return showClusters(cmd.OutOrStdout(), found)
		},
	}
}

func showClusters(out io.Writer, found []operations.Cluster) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLUSTER\tTASK QUEUE\tWORKERS\tKUBERNETES\tGATEWAY\tENVIRONMENTS")
	for _, one := range found {
		var environments []string
		for _, env := range one.Environments {
			environments = append(environments, env.Name)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\n", one.Name, one.TaskQueue, one.Workers, orDash(one.Kubernetes), orDash(one.Gateway), orDash(strings.Join(environments, ", ")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, one := range found {
		if one.Unreachable != "" {
			fmt.Fprintf(out, "%s: %s\n", one.Name, one.Unreachable)
		}
	}
	return nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
