package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/config/validation"
	"lockstep/starter/operations"
)

// operations are the commands that start operations, one for each in the catalogue.
func (c *cli) operations() (all []*cobra.Command) {
	for _, row := range operation.All() {
		all = append(all, c.operation(row))
	}
	return all
}

// operation is the command that starts an operation and watches it.
func (c *cli) operation(row operation.Operation) *cobra.Command {
	var file string
	var detach bool
	cmd := &cobra.Command{Use: row.Verb + " -f FILE", Short: row.Summary, Long: row.Text, Args: cobra.NoArgs}
	if len(row.Examples) > 0 {
		cmd.Example = "  " + strings.Join(row.Examples, "\n  ")
	}
	for _, option := range row.Options {
		addOption(cmd.Flags(), option)
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "environment file")
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "start it and return at once")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		env, input, err := read(row, file, cmd.Flags())
		if err != nil {
			return &exit{code: exitBadInput, err: err}
		}
		return c.start(cmd, env, operations.Start{Environment: env.Name, Cluster: env.Cluster, Operation: row.Type, Input: input, By: identity()}, detach)
	}
	return cmd
}

// addOption is the flag of an option.
func addOption(flags *pflag.FlagSet, option operation.Option) {
	text := option.Text
	if len(option.Values) > 1 {
		last := len(option.Values) - 1
		text += ": " + strings.Join(option.Values[:last], ", ") + " or " + option.Values[last]
	}
	if option.Default == "" && option.Kind == operation.Choice {
		text += " (default: the environment's)"
	}
	switch option.Kind {
	case operation.Switch:
		flags.Bool(option.Name, false, text)
	case operation.Several:
		flags.StringSlice(option.Name, strings.Fields(option.Default), text)
	default:
		flags.String(option.Name, option.Default, text)
	}
}

// read is the environment of a file, and the operation's input by it and by flags.
func read(row operation.Operation, file string, flags *pflag.FlagSet) (config.Environment, map[string]any, error) {
	given := map[string]any{}
	for _, option := range row.Options {
		if value := valueOf(flags, option); flags.Changed(option.Name) && value != "" { // an empty variable of a script gives none
			given[option.Name] = value
		}
	}
	for _, problem := range row.Check(given) {
		return config.Environment{}, nil, fmt.Errorf("--%s", problem)
	}
	env, err := environments.Load(file)
	if err != nil {
		return env, nil, err
	}
	input, err := operations.Input(row, env, given)
	return env, input, err
}

func valueOf(flags *pflag.FlagSet, option operation.Option) (value any) {
	switch option.Kind {
	case operation.Switch:
		value, _ = flags.GetBool(option.Name)
	case operation.Several:
		value, _ = flags.GetStringSlice(option.Name)
	default:
		value, _ = flags.GetString(option.Name)
	}
	return value
}

// start starts an operation, and watches it unless that is not wanted.
func (c *cli) start(cmd *cobra.Command, env config.Environment, s operations.Start, detach bool) error {
	temporal, err := c.connect(cmd)
	if err != nil {
		return err
	}
	defer temporal.Close()
	for _, warning := range validation.Warnings(env) {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
	}
	if err := temporal.Admit(env); err != nil {
		return &exit{code: exitBadInput, err: fmt.Errorf("environment %q: %w", env.Name, err)}
	}
	if err := temporal.CheckWorker(cmd.Context(), env.Cluster); err != nil {
		return err
	}
	begun, _, err := temporal.Start(cmd.Context(), s)
	if err != nil {
		return err
	}
	w := watcher{cmd: cmd, temporal: temporal, Operation: begun, json: c.output == "json"}
	if detach {
		return w.started()
	}
	return w.follow()
}

// typed is the workflow type of an operation that was typed as its verb, whatever its case.
func typed(verb string) (string, error) {
	verb, err := named(verb, operation.Verbs())
	row, _ := operation.OfVerb(verb)
	return row.Type, err
}

// drifted says whether a comparison found something.
func drifted(result json.RawMessage) bool {
	var report struct{ Drifted bool }
	return json.Unmarshal(result, &report) == nil && report.Drifted
}
