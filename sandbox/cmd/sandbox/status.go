package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lockstep/sandbox/supervisor"
)

func down(dir *string) *cobra.Command {
	var purge bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the sandbox and remove its state; logs stay",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := supervisor.Take(cmd.Context(), *dir, purge); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the sandbox is down")
			return nil
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove the logs too")
	return cmd
}

func status(dir *string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say whether the sandbox is up and where its parts are",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := supervisor.Status(*dir)
			if err != nil {
				return err
			}
			switch output {
			case "json":
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(state)
			case "text":
				return show(cmd.OutOrStdout(), state)
			}
			return fmt.Errorf("reading flags: output %q is unknown; use text or json", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

func env(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: `Print shell exports that point at the sandbox: eval "$(sandbox env)"`,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, err := supervisor.Status(*dir)
			if err != nil {
				return err
			}
			if state.Phase != supervisor.Ready {
				return fmt.Errorf("reading the sandbox's addresses: it is %s; run `sandbox up --dir %s`", state.Phase, *dir)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), state.Exports())
			return err
		},
	}
}

func show(w io.Writer, s supervisor.State) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, value)
		}
	}
	row("sandbox", string(s.Phase))
	row("error", s.Error)
	row("folder", s.Dir)
	if s.Phase == supervisor.Ready {
		row("kubeconfig", s.Kubeconfig)
		row("temporal", s.TemporalAddress)
		row("temporal ui", s.UI)
		row("registry", s.Registry)
		row("charts", s.Repository+"/charts")
		row("gateway", s.Gateway)
		if s.Instance > 0 {
			row("pods", fmt.Sprintf("10.%d.x.y in Kubernetes, 127.%d.x.y on this machine", s.Instance, s.Instance))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing status: %w", err)
	}
	return nil
}

func gateway(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "gateway",
		Short: "Say whether a sandbox on this machine runs the real gateway, and why not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := complete(supervisor.Settings{Gateway: supervisor.GatewayAuto, ProbeScale: 1}, *dir, "")
			if err != nil {
				return err
			}
			says, err := supervisor.GatewayHere(settings)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), says)
			return nil
		},
	}
}
