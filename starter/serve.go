package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"lockstep/config/environments"
	"lockstep/config/settings"
	"lockstep/starter/api"
	"lockstep/starter/api/auth"
)

func (c *cli) serve() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the REST API server", Args: cobra.NoArgs,
		Long: `Run the REST API server: environments, operations and their progress, for programs.

It needs the setting environments. The setting api.accessFile says who may use it; api.anonymous instead lets everybody on this machine use
it. Settings are in docs/settings.md, the API is in docs/api.md and, on a running server, at /docs.`,
		RunE: c.runServer,
	}
	cmd.AddCommand(&cobra.Command{
		Use: "healthcheck", Short: "Exit 0 if the API of the same settings answers and reaches Temporal", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if err := api.Check(cmd.Context(), settings.API); err != nil {
				return &exit{code: exitFailed, err: err}
			}
			return nil
		},
	})
	return cmd
}

func (c *cli) runServer(cmd *cobra.Command, _ []string) error {
	settings, err := c.settings(cmd)
	if err != nil {
		return err
	}
	log := settings.Logger(cmd.ErrOrStderr())
	options, err := serverOptions(settings, log)
	if err != nil {
		return &exit{code: exitBadInput, err: err}
	}
	if options.Operations, err = c.connect(cmd); err != nil {
		return err
	}
	defer options.Operations.Close()
	options.Operations.Patience = 0 // a program asks again
	server, err := api.New(options)
	if err != nil {
		return &exit{code: exitFailed, err: err}
	}
	ready := func(address net.Addr) {
		log.Info("API ready", "address", address.String(), "tls", settings.API.TLSCert != "", "environments", settings.Environments)
	}
	if err := api.Serve(cmd.Context(), settings.API, server, ready); err != nil {
		return &exit{code: exitFailed, err: fmt.Errorf("API: %w", err)}
	}
	return nil
}

func serverOptions(settings settings.Settings, log *slog.Logger) (api.Options, error) {
	options := api.Options{Environments: settings.Environments, Log: log}
	if settings.Environments == "" {
		return options, errors.New("there are no environments: set environments (LOCKSTEP_ENVIRONMENTS) to the folder of environment files that the workers have")
	}
	if _, err := environments.List(settings.Environments); err != nil {
		return options, fmt.Errorf("%w; set environments (LOCKSTEP_ENVIRONMENTS) to a folder of environment files", err)
	}
	switch {
	case settings.API.AccessFile != "":
		guard, err := auth.New(auth.Options{File: settings.API.AccessFile, Log: log, Audit: log})
		if err != nil {
			return options, err
		}
		options.Guard = guard
	case !settings.API.Anonymous:
		return options, errors.New("nobody may use the API: set api.accessFile (LOCKSTEP_API_ACCESS_FILE) to a file that says who may (`lockstep api token` makes an entry), " +
			"or set api.anonymous (LOCKSTEP_API_ANONYMOUS) to true to let everybody on this machine")
	}
	if settings.API.TLSCert == "" && !settings.API.Loopback() {
		log.Warn("No TLS: others can read tokens on the network. Set api.tlsCert and api.tlsKey, or let only a proxy on this machine reach this server.")
	}
	return options, nil
}
