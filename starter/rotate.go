package main

import (
	"github.com/spf13/cobra"

	"lockstep/config"
	"lockstep/workflows"
)

func (c *cli) rotate() *cobra.Command {
	var what []string
	cmd := &cobra.Command{
		Use: "rotate -f FILE", Short: "Renew the certificates of a deployed environment by the same CA",
		Long: "Renew the certificates of both products and of the gateway's listeners by the same CA, restart one product after the other, and prove that all works. " +
			"Certificates that Lockstep did not make are left alone and named. A rotation that fails is undone.",
	}
	cmd.Flags().StringSliceVar(&what, "what", []string{workflows.RotateCertificates}, "what to renew")
	c.operation(cmd, operation{
		name:  workflows.OperationRotate,
		input: func(env config.Environment) any { return workflows.RotateInput{Request: workflows.Of(env), What: what} },
	})
	return cmd
}
