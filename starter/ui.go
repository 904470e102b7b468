package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

// link leads into the Temporal UI.
type link struct {
	Environment string `json:"environment"`
	UI          string `json:"ui"`
	Input       string `json:"input,omitempty"` // to type there
}

func (c *cli) ui() *cobra.Command {
	var start string
	var list, history bool
	cmd := &cobra.Command{
		Use: "ui ENVIRONMENT", Short: "Print the address in the Temporal UI of the operation that runs, or ran last", Args: cobra.ExactArgs(1),
		Long: `Print the address in the Temporal UI of the operation that runs, or ran last. It is printed, not opened. The setting uiURL says where the UI is.`,
		Example: `  lockstep ui dev                   # the board
  lockstep ui dev --history         # its events
  lockstep ui dev --list            # all operations on the environment
  lockstep ui dev --start deploy    # the form that starts one, and what to type into it`,
	}
	cmd.Flags().StringVar(&start, "start", "", "the form that starts an operation, for example deploy")
	cmd.Flags().BoolVar(&list, "list", false, "all operations on the environment")
	cmd.Flags().BoolVar(&history, "history", false, "the operation's events instead of its board")
	cmd.MarkFlagsMutuallyExclusive("start", "list", "history")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		operation := ""
		if cmd.Flags().Changed("start") {
			var err error
			if operation, err = typed(start); err != nil {
				return fail(exitBadInput, "--start: %w", err)
			}
		}
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		l := link{Environment: args[0]}
		switch {
		case operation != "":
			queue, err := c.queueOf(cmd, temporal, args[0])
			if err != nil {
				return err
			}
			l.UI, l.Input = temporal.StartLink(args[0], operation, queue), operations.StartInput(args[0])
		case list:
			l.UI = temporal.ListLink(args[0])
		default:
			last, err := temporal.Get(cmd.Context(), args[0], "")
			if err != nil {
				return err
			}
			if l.UI = temporal.Link(last); history {
				l.UI = temporal.HistoryLink(last)
			}
		}
		return c.printLink(cmd, l)
	}
	return cmd
}

// queueOf is the task queue of an environment's operations: its file says its cluster. Without the file it is that of its last operation,
// and else that of the cluster default.
func (c *cli) queueOf(cmd *cobra.Command, temporal operations.Client, environment string) (string, error) {
	settings, err := c.settings(cmd)
	if err != nil {
		return "", err
	}
	if settings.Environments != "" {
		if env, err := environments.Named(environment).Resolve(settings.Environments, nil); err == nil {
			return temporal.Clusters.Queue(env.Cluster), nil
		}
	}
	if d, err := temporal.DescribeWorkflowExecution(cmd.Context(), workflows.CanonicalID(environment), ""); err == nil {
		return d.GetExecutionConfig().GetTaskQueue().GetName(), nil
	}
	return temporal.Clusters.Queue(config.DefaultCluster), nil
}

func (c *cli) printLink(cmd *cobra.Command, l link) error {
	if c.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(l)
	}
	fmt.Fprintln(cmd.OutOrStdout(), l.UI)
	if l.Input != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "The form shows the input of the last such operation; the first time, type\n  %s\n", l.Input)
	}
	return nil
}

// named is the name among all that is meant, whatever its case.
func named(name string, all []string) (string, error) {
	for _, one := range all {
		if strings.EqualFold(one, name) {
			return one, nil
		}
	}
	return "", fmt.Errorf("%q is not known: choose one of %s", name, strings.ToLower(strings.Join(all, ", ")))
}
