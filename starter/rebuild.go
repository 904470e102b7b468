package main

import (
	"github.com/spf13/cobra"

	"lockstep/config"
	"lockstep/workflows"
)

func (c *cli) rebuild() *cobra.Command {
	var mode string
	var purge bool
	cmd := &cobra.Command{
		Use: "rebuild -f FILE", Short: "Make an environment anew: tear it down and deploy it, or restart it in place",
		Long: "Make an environment anew. Fresh: everything is checked, then the environment is removed and deployed; credentials, encryption keys, certificates, " +
			"namespace and external databases stay, unless --purge is given. In place: a deployment that also restarts both products.",
		Example: "  lockstep rebuild -f examples/quickstart.yaml\n  lockstep rebuild -f examples/production.yaml --mode in-place",
	}
	cmd.Flags().StringVar(&mode, "mode", workflows.RebuildFresh, "fresh or in-place")
	cmd.Flags().BoolVar(&purge, "purge", false, "also make credentials, certificates, unused Gateway API kinds and the namespace anew, as far as Lockstep made them")
	c.operation(cmd, operation{
		name: workflows.OperationRebuild,
		input: func(env config.Environment) any {
			return workflows.RebuildInput{Request: workflows.Of(env), Mode: mode, Purge: purge}
		},
	})
	return cmd
}
