package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/schema"
	"lockstep/config/validation"
)

func (c *cli) config() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Work with environment files"}
	cmd.AddCommand(
		ofFile("validate -f FILE", "Check an environment file and report every problem", c.validate),
		ofFile("print -f FILE", "Show an environment with all defaults", c.print),
		&cobra.Command{Use: "schema", Short: "Print the JSON Schema of environment files", Args: cobra.NoArgs, RunE: printSchema},
	)
	return cmd
}

// ofFile is a command about one environment file, with what loading it came to.
func ofFile(use, short string, run func(*cobra.Command, config.Environment, error) error) *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		env, err := environments.Load(file)
		return run(cmd, env, err)
	}}
	cmd.Flags().StringVarP(&file, "file", "f", "", "environment file")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	return cmd
}

func (c *cli) validate(cmd *cobra.Command, env config.Environment, err error) error {
	if c.output == "json" {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(environments.NewReport(env, err)); err != nil {
			return &exit{code: exitFailed, err: err}
		}
		if err != nil {
			return &exit{code: exitBadInput, err: err, quiet: true}
		}
		return nil
	}
	if err != nil {
		return &exit{code: exitBadInput, err: err}
	}
	for _, warning := range validation.Warnings(env) {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "environment %q is valid\n", env.Name)
	if loose := validation.Unpinned(env); len(loose) > 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "  not pinned by a digest: %s (the report of a deployment prints what to write)\n", strings.Join(loose, ", "))
	}
	for _, size := range validation.Sizes(env) {
		fmt.Fprintln(cmd.OutOrStdout(), " ", size)
	}
	return nil
}

func (c *cli) print(cmd *cobra.Command, env config.Environment, err error) error {
	if err != nil {
		return &exit{code: exitBadInput, err: err}
	}
	if c.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(env.AsWritten())
	}
	text, err := yaml.Marshal(env.AsWritten())
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}

func printSchema(cmd *cobra.Command, _ []string) error {
	text, err := schema.Environment()
	if err != nil {
		return err
	}
	_, err = cmd.OutOrStdout().Write(text)
	return err
}
