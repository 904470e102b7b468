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
		Use: "serve", Short: "Answer the REST API", Args: cobra.NoArgs,
		Long: `Answer the REST API: environments, operations and their progress, for programs.

It needs the setting environments, and knows by api.accessFile who may ask. Instead, api.anonymous lets anybody on this machine ask.
Settings are in docs/settings.md, the API in docs/api.md and, from a server, at /docs.`,
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
		return options, errors.New("there is nothing to operate on: set environments (LOCKSTEP_ENVIRONMENTS) to the folder of environment files that the workers have")
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
		return options, errors.New("nobody may ask: set api.accessFile (LOCKSTEP_API_ACCESS_FILE) to who may (`lockstep api token` makes an entry), " +
			"or api.anonymous (LOCKSTEP_API_ANONYMOUS) to true if all on this machine may")
	}
	if settings.API.TLSCert == "" && !settings.API.Loopback() {
		log.Warn("No TLS: tokens can be read on the way. Set api.tlsCert and api.tlsKey, or let only a proxy on this machine reach it.")
	}
	return options, nil
}
