package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"lockstep/config"
	"lockstep/workflows"
)

func (c *cli) drift() *cobra.Command {
	cmd := &cobra.Command{
		Use: "drift -f FILE", Short: "Compare what is there with what the environment's file says, and change nothing",
		Long: "Compare what is there with what a deployment of the file would make of it: releases and their objects, images, certificates, routes, " +
			"the registered key manager. It changes nothing and ends with 7 if there is a difference.",
	}
	c.operation(cmd, operation{
		name:  workflows.OperationDrift,
		input: func(env config.Environment) any { return workflows.DriftInput{Request: workflows.Of(env)} },
	})
	return cmd
}

// drifted says whether a comparison found something.
func drifted(result json.RawMessage) bool {
	var report workflows.DriftReport
	return json.Unmarshal(result, &report) == nil && report.Drifted
}
