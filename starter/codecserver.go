package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"github.com/spf13/cobra"

	"lockstep/config/settings"
	"lockstep/internal/codec"
	"lockstep/starter/api/auth"
	"lockstep/starter/codecserver"
)

// payloadsPerSecond are let through of one caller: a page of the Temporal UI asks for each payload of a history at once.
const payloadsPerSecond = 500

func (c *cli) codecServer() *cobra.Command {
	cmd := &cobra.Command{
		Use: "codec-server", Short: "Decrypt for the Temporal UI what Temporal stores", Args: cobra.NoArgs,
		Long: `Decrypt for the Temporal UI and the temporal command line what Temporal stores.

It needs encryption.keys. The setting codecServer.accessFile or api.accessFile says who may use it; codecServer.anonymous instead lets
everybody on this machine use it. Settings are in docs/settings.md; docs/encryption.md shows how to set up the UI.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := c.settings(cmd)
			if err != nil {
				return err
			}
			log := settings.Logger(cmd.ErrOrStderr())
			options, err := codecServerOptions(settings, log)
			if err != nil {
				return &exit{code: exitBadInput, err: err}
			}
			ready := func(address net.Addr) {
				log.Info("Codec server ready", "address", address.String(), "tls", settings.CodecServer.TLSCert != "", "origins", options.Origins)
			}
			if err := codecserver.Serve(cmd.Context(), settings.CodecServer, options, ready); err != nil {
				return &exit{code: exitFailed, err: fmt.Errorf("codec server: %w", err)}
			}
			return nil
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "healthcheck", Short: "Exit 0 if the codec server of the same settings answers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := c.settings(cmd)
			if err != nil {
				return err
			}
			if err := codecserver.Check(cmd.Context(), settings.CodecServer); err != nil {
				return &exit{code: exitFailed, err: err}
			}
			return nil
		},
	})
	return cmd
}

func codecServerOptions(settings settings.Settings, log *slog.Logger) (codecserver.Options, error) {
	if settings.Encryption.Keys == "" {
		return codecserver.Options{}, errors.New("there are no keys to decrypt with: set encryption.keys (LOCKSTEP_ENCRYPTION_KEYS) to the folder of keys that the workers have")
	}
	keys, err := codec.Read(settings.Encryption)
	if err != nil {
		return codecserver.Options{}, err
	}
	options := codecserver.Options{Codec: codec.New(keys), Origins: settings.CodecServer.Pages(settings.UIURL), Log: log}
	if settings.CodecServer.UI != "" {
		options.UI, err = url.Parse(settings.CodecServer.UI) // checked
		if err != nil {
			return options, err
		}
	}
	switch file := cmp.Or(settings.CodecServer.AccessFile, settings.API.AccessFile); {
	case settings.CodecServer.Anonymous:
	case file != "":
		options.Guard, err = auth.New(auth.Options{File: file, RequestsPerSecond: payloadsPerSecond, Log: log, Audit: log})
	default:
		err = errors.New("nobody may use the codec server: set codecServer.accessFile (LOCKSTEP_CODEC_SERVER_ACCESS_FILE) to a file that says who may, " +
			"or set codecServer.anonymous (LOCKSTEP_CODEC_SERVER_ANONYMOUS) to true to let everybody on this machine")
	}
	if settings.CodecServer.TLSCert == "" && !settings.CodecServer.Loopback() {
		log.Warn("No TLS: others can read tokens and decrypted data on the network. Set codecServer.tlsCert and codecServer.tlsKey, or let only a proxy on this machine reach this server.")
	}
	return options, err
}
