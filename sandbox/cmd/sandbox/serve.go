package main

import (
	"log/slog"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"lockstep/sandbox/envoy"
	"lockstep/sandbox/node/contain"
	"lockstep/sandbox/realnode"
	"lockstep/sandbox/simulate"
	"lockstep/sandbox/supervisor"
	"lockstep/sandbox/wso2am"
	"lockstep/sandbox/wso2is"
)

// serve is the detached supervisor that up starts.
func serve(dir *string) *cobra.Command {
	return ofUp("serve", dir, func(cmd *cobra.Command, settings supervisor.Settings) error {
		log := slog.New(slog.NewTextHandler(cmd.OutOrStdout(), nil))
		if settings.Attached {
			return supervisor.ServeAttached(cmd.Context(), settings, log, os.Stdin)
		}
		return supervisor.Serve(cmd.Context(), settings, log)
	})
}

// first is the first process of a real node: it serves in namespaces of its own.
func first(dir *string) *cobra.Command {
	return ofUp("init", dir, func(cmd *cobra.Command, settings supervisor.Settings) error {
		serve := exec.Command(settings.Self, "serve", "--dir", settings.Dir)
		serve.Stdout, serve.Stderr = os.Stdout, os.Stderr
		return realnode.Init(cmd.Context(), settings.Dir, os.Stdin, serve)
	})
}

// ofUp is a command that only up starts, with the settings that it wrote.
func ofUp(use string, dir *string, run func(*cobra.Command, supervisor.Settings) error) *cobra.Command {
	return &cobra.Command{
		Use:    use,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := supervisor.LoadSettings(*dir)
			if err != nil {
				return err
			}
			return run(cmd, settings)
		},
	}
}

// simulated is how the node starts a container.
func simulated() *cobra.Command {
	return &cobra.Command{
		Use:    "simulate <program>",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return simulate.Run(cmd.Context(), programs(), args[0], os.Getenv, os.Stdout)
		},
	}
}

// contained is how the node starts a container with a real program.
func contained() *cobra.Command {
	return &cobra.Command{
		Use:    contain.Command,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(*cobra.Command, []string) error { return contain.Inside() },
	}
}

// programs are the simulated products, by the name that image labels give them.
func programs() map[string]simulate.Program {
	return map[string]simulate.Program{
		"wso2is":        wso2is.Run,
		"wso2am":        wso2am.Run,
		"envoy-gateway": envoy.RunController,
		"envoy":         envoy.RunProxy,
	}
}
