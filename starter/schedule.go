package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lockstep/config/environments"
	"lockstep/starter/schedules"
)

func (c *cli) schedule() *cobra.Command {
	cmd := &cobra.Command{Use: "schedule", Short: "Manage recurring operations"}
	cmd.AddCommand(c.scheduleApply(), c.scheduleList(), c.scheduleDescribe(), c.schedulePause(), c.scheduleResume(), c.scheduleTrigger(), c.scheduleDelete())
	return cmd
}

// schedules reaches Temporal's schedules.
func (c *cli) schedules(cmd *cobra.Command) (schedules.Client, error) {
	temporal, err := c.connect(cmd)
	return schedules.Client{Client: temporal, By: identity()}, err
}

func (c *cli) scheduleApply() *cobra.Command {
	var file string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Give an environment the schedules that its file names, and no others", Args: cobra.NoArgs,
		Long: `Give an environment the schedules that its file names, and no others. You can repeat it: correct schedules
stay, and paused ones stay paused. When a schedule is due, the worker reads the environment's current file in its folder (setting environments).`,
		Example: "  lockstep schedule apply -f examples/nightly.yaml --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := environments.Load(file)
			if err != nil {
				return &exit{code: exitBadInput, err: err}
			}
			client, err := c.schedules(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			carryOut := client.Apply
			if dryRun {
				carryOut = client.Plan
			}
			changes, err := carryOut(cmd.Context(), env)
			if shown := c.showChanges(cmd.OutOrStdout(), env.Name, changes, dryRun); err == nil {
				err = shown
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "environment file")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only show what would be done")
	_ = cmd.MarkFlagRequired("file")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	return cmd
}

func (c *cli) showChanges(out io.Writer, environment string, changes []schedules.Change, dryRun bool) error {
	if c.output == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"environment": environment, "dryRun": dryRun, "changes": changes})
	}
	if len(changes) == 0 {
		fmt.Fprintf(out, "environment %q has no schedules\n", environment)
	}
	for _, change := range changes {
		switch change.Action {
		case schedules.Foreign:
			fmt.Fprintf(out, "foreign    %s: Lockstep did not make it, and does not change it\n", change.Name)
		case schedules.Delete:
			fmt.Fprintf(out, "delete     %s: the file does not name it\n", change.Name)
		default:
			fmt.Fprintf(out, "%-10s %s\n", change.Action, change.Name)
		}
		for _, d := range change.Differences {
			fmt.Fprintf(out, "             %s: %s -> %s\n", d.Field, d.Is, d.Wants)
		}
	}
	if dryRun {
		fmt.Fprintln(out, "nothing was changed (--dry-run)")
	}
	return nil
}

func (c *cli) scheduleList() *cobra.Command {
	return &cobra.Command{
		Use: "list [ENVIRONMENT]", Short: "Show the schedules of an environment, or all", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.schedules(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			environment := ""
			if len(args) > 0 {
				environment = args[0]
			}
			found, err := client.List(cmd.Context(), environment)
			if err != nil {
				return err
			}
			if c.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			}
			return showSchedules(cmd.OutOrStdout(), found)
		},
	}
}

func showSchedules(out io.Writer, found []schedules.Schedule) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "there are no schedules: write schedules into an environment file and run `lockstep schedule apply -f FILE`")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENVIRONMENT\tNAME\tOPERATION\tWHEN\tNEXT")
	for _, s := range found {
		operation := s.Operation
		if !s.Managed {
			operation = "(not Lockstep's)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", s.Environment, s.Name, operation, whenDue(s), nextOf(s))
	}
	return table.Flush()
}

func whenDue(s schedules.Schedule) string {
	text := s.Cron + " " + s.TimeZone
	if s.Cron == "" {
		text = "every " + s.Every.String()
	}
	if s.Jitter > 0 {
		text += " +" + s.Jitter.String()
	}
	return text
}

func nextOf(s schedules.Schedule) string {
	switch {
	case s.Paused:
		return "paused"
	case len(s.Next) == 0:
		return "never"
	}
	return s.Next[0].Local().Format(time.DateTime)
}

func (c *cli) scheduleDescribe() *cobra.Command {
	return c.onSchedule("describe", "Show a schedule: its next and last runs, and why it is paused", func(cmd *cobra.Command, client schedules.Client, environment, name string) error {
		s, err := client.Describe(cmd.Context(), environment, name)
		if err != nil {
			return err
		}
		link := client.ScheduleLink(s.ID())
		if c.output == "json" {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
				schedules.Schedule
				UI string `json:"ui"`
			}{s, link})
		}
		return showSchedule(cmd.OutOrStdout(), s, link)
	})
}

func showSchedule(out io.Writer, s schedules.Schedule, link string) error {
	fmt.Fprintf(out, "%s of %s, %s\n", s.Operation, s.Environment, whenDue(s))
	for name, value := range s.Options {
		fmt.Fprintf(out, "  %s: %v\n", name, value)
	}
	if s.Paused {
		fmt.Fprintf(out, "paused: %s\nresume it with `lockstep schedule resume %s %s`\n", s.Note, s.Environment, s.Name)
	} else {
		for _, next := range s.Next[:min(3, len(s.Next))] {
			fmt.Fprintf(out, "next   %s\n", next.Local().Format(time.DateTime))
		}
	}
	for _, run := range s.Last {
		fmt.Fprintf(out, "last   %s  %s  %s\n", run.Due.Local().Format(time.DateTime), run.Outcome, run.Reason)
	}
	_, err := fmt.Fprintln(out, link)
	return err
}

func (c *cli) schedulePause() *cobra.Command {
	reason := ""
	cmd := c.onSchedule("pause", "Stop a schedule until it is resumed", func(cmd *cobra.Command, client schedules.Client, environment, name string) error {
		if err := client.Pause(cmd.Context(), environment, name, reason); err != nil {
			return err
		}
		return c.scheduled(cmd, environment, name, "paused", fmt.Sprintf("resume it with `lockstep schedule resume %s %s`", environment, name))
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func (c *cli) scheduleResume() *cobra.Command {
	return c.onSchedule("resume", "Let a paused schedule go on", func(cmd *cobra.Command, client schedules.Client, environment, name string) error {
		if err := client.Resume(cmd.Context(), environment, name); err != nil {
			return err
		}
		return c.scheduled(cmd, environment, name, "resumed", "runs that were due meanwhile are skipped")
	})
}

func (c *cli) scheduleTrigger() *cobra.Command {
	return c.onSchedule("trigger", "Run a schedule's operation now", func(cmd *cobra.Command, client schedules.Client, environment, name string) error {
		if err := client.CheckWorker(cmd.Context(), environment, name); err != nil {
			return err
		}
		run, err := client.Trigger(cmd.Context(), environment, name)
		if err != nil {
			return err
		}
		if c.output == "json" {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(run)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "started; watch it with `lockstep watch %s`, or see its outcome with `lockstep schedule describe %s %s`\n", environment, environment, name)
		return nil
	})
}

func (c *cli) scheduleDelete() *cobra.Command {
	return c.onSchedule("delete", "Remove a schedule; the next apply of a file that names it creates it again", func(cmd *cobra.Command, client schedules.Client, environment, name string) error {
		if err := client.Delete(cmd.Context(), environment, name); err != nil {
			return err
		}
		return c.scheduled(cmd, environment, name, "deleted", "a running operation goes on")
	})
}

// onSchedule is a command about one schedule.
func (c *cli) onSchedule(use, short string, do func(*cobra.Command, schedules.Client, string, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " ENVIRONMENT NAME", Short: short, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.schedules(cmd)
			if err != nil {
				return err
			}
			defer client.Close()
			return do(cmd, client, args[0], args[1])
		},
	}
}

// scheduled says what was done to a schedule.
func (c *cli) scheduled(cmd *cobra.Command, environment, name, state, more string) error {
	if c.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"environment": environment, "name": name, "state": state})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "schedule %s of %s is %s; %s\n", name, environment, state, more)
	return err
}
