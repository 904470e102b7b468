package main

import (
	"encoding/json"
	"fmt"
	"os/user"

	"github.com/spf13/cobra"

	"lockstep/config/environments"
	"lockstep/config/validation"
	"lockstep/workflows/decision"
)

// signature is who decides, and why.
type signature struct{ by, reason string }

func (s *signature) flags(cmd *cobra.Command, reasonIsRequired bool) {
	by := ""
	if u, err := user.Current(); err == nil {
		by = u.Username
	}
	cmd.Flags().StringVar(&s.by, "by", by, "who decides, for the report")
	cmd.Flags().StringVar(&s.reason, "reason", "", "why, for the report")
	if reasonIsRequired {
		_ = cmd.MarkFlagRequired("reason")
	}
}

func (c *cli) retry() *cobra.Command {
	var s signature
	var file string
	cmd := &cobra.Command{
		Use: "retry ENVIRONMENT [STEP]", Short: "Try a paused step again, or all steps with a changed environment", Args: cobra.RangeArgs(1, 2),
		Long: "Try a paused step again. STEP may be left out if only one is paused. With a changed environment file all steps run again:\n" +
			"steps with nothing to change are done at once, and an undo still restores the state before the run.",
		RunE: func(cmd *cobra.Command, args []string) error {
			input := decision.RetryStep{By: s.by, Reason: s.reason}
			if len(args) > 1 {
				input.Step = args[1]
			}
			if file != "" {
				env, err := environments.Load(file)
				if err != nil {
					return &exit{code: exitBadInput, err: err}
				}
				if env.Name != args[0] {
					return fail(exitBadInput, "%s defines environment %q, not %q: give the changed file of %s", file, env.Name, args[0], args[0])
				}
				for _, warning := range validation.Warnings(env) {
					fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
				}
				changed := environments.Inline(env)
				input.Environment = &changed
			}
			return c.decide(cmd, args[0], decision.UpdateRetry, input)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "changed environment file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	s.flags(cmd, false)
	return cmd
}

func (c *cli) skip() *cobra.Command {
	var s signature
	cmd := &cobra.Command{
		Use: "skip ENVIRONMENT STEP", Short: "Go on without a paused step (verify or report)", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.decide(cmd, args[0], decision.UpdateSkip, decision.SkipStep{Step: args[1], By: s.by, Reason: s.reason})
		},
	}
	s.flags(cmd, true)
	return cmd
}

func (c *cli) rollback() *cobra.Command {
	var s signature
	cmd := &cobra.Command{
		Use: "rollback ENVIRONMENT", Short: "Undo a deployment that is paused or awaits an approval", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.decide(cmd, args[0], decision.UpdateRollback, decision.Rollback{By: s.by, Reason: s.reason})
		},
	}
	s.flags(cmd, false)
	return cmd
}

func (c *cli) approve() *cobra.Command {
	var s signature
	cmd := &cobra.Command{
		Use: "approve ENVIRONMENT STEP", Short: "Approve a step that awaits approval: it begins", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.decide(cmd, args[0], decision.UpdateApprove, decision.Approve{Step: args[1], By: s.by, Reason: s.reason})
		},
	}
	s.flags(cmd, true)
	return cmd
}

// decide sends a decision to the operation that runs on the environment and says what follows.
func (c *cli) decide(cmd *cobra.Command, environment, update string, input any) error {
	temporal, err := c.connect(cmd)
	if err != nil {
		return err
	}
	defer temporal.Close()
	last, err := temporal.Get(cmd.Context(), environment, "")
	if err != nil {
		return err
	}
	answer, err := temporal.Decide(cmd.Context(), last, update, input)
	if err != nil {
		return err
	}
	if c.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"environment": environment, "decision": update, "step": answer.Step, "next": answer.Next})
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s; watch it with `lockstep watch %s`\n", answer.Next, environment)
	return nil
}
