package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"lockstep/config"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

// ofType is the annotation of a command with the workflow type that it starts.
const ofType = "operation"

// operation is one kind of operation as the command line offers it.
type operation struct {
	name   string                    // workflow type
	adjust func(*config.Environment) // by flags; optional
	input  func(config.Environment) any
}

func (c *cli) deploy() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deploy -f FILE", Short: "Deploy an environment, or bring it to where its file says",
		Example: "  lockstep deploy -f examples/quickstart.yaml",
	}
	c.operation(cmd, operation{
		name:  workflows.OperationDeploy,
		input: func(env config.Environment) any { return workflows.DeployInput{Request: workflows.Of(env)} },
	})
	return cmd
}

func (c *cli) verify() *cobra.Command {
	var level string
	cmd := &cobra.Command{Use: "verify -f FILE", Short: "Prove that a deployed environment works"}
	cmd.Flags().StringVar(&level, "level", "", "health, token or full (default: the environment's)")
	c.operation(cmd, operation{
		name: workflows.OperationVerify,
		adjust: func(env *config.Environment) {
			if level != "" {
				env.Verify.Level = config.VerifyLevel(level)
			}
		},
		input: func(env config.Environment) any { return workflows.VerifyInput{Request: workflows.Of(env)} },
	})
	return cmd
}

func (c *cli) teardown() *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use: "teardown -f FILE", Short: "Remove an environment",
		Long: "Remove an environment. Credentials, certificates and the namespace stay, so that it can come back with the same keys, unless --purge is given.",
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "also remove credentials, certificates, unused Gateway API kinds and the namespace, as far as Lockstep made them")
	c.operation(cmd, operation{
		name: workflows.OperationTeardown,
		input: func(env config.Environment) any {
			return workflows.TeardownInput{Request: workflows.Of(env), Purge: purge}
		},
	})
	return cmd
}

// operation gives cmd what all operations share: the file, the start, and the watch.
func (c *cli) operation(cmd *cobra.Command, o operation) {
	var file string
	var detach bool
	cmd.Args = cobra.NoArgs
	cmd.Annotations = map[string]string{ofType: o.name}
	cmd.Flags().StringVarP(&file, "file", "f", "", "environment file")
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "start it and return at once")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		env, err := o.load(file)
		if err != nil {
			return &exit{code: exitBadInput, err: err}
		}
		temporal, err := c.connect(cmd)
		if err != nil {
			return err
		}
		defer temporal.Close()
		for _, warning := range env.Warnings() {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
		}
		if err := temporal.CheckWorker(cmd.Context()); err != nil {
			return err
		}
		begun, _, err := temporal.Start(cmd.Context(), operations.Start{Environment: env.Name, Operation: o.name, Input: o.input(env), By: identity()})
		if err != nil {
			return err
		}
		w := watcher{cmd: cmd, temporal: temporal, Operation: begun, json: c.output == "json"}
		if detach {
			return w.started()
		}
		return w.follow()
	}
}

func (o operation) load(file string) (config.Environment, error) {
	env, err := config.Load(file)
	if err != nil || o.adjust == nil {
		return env, err
	}
	o.adjust(&env)
	return env, env.Validate()
}
