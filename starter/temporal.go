package main

import (
	"context"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"
	sdklog "go.temporal.io/sdk/log"

	"lockstep/config/clusters"
	"lockstep/internal/dial"
	"lockstep/starter/operations"
)

const (
	dialTimeout    = 10 * time.Second
	workerPatience = 5 * time.Second // people start a worker and then, at once, an operation
)

// connect reaches Temporal by its own settings.
func (c *cli) connect(cmd *cobra.Command) (operations.Client, error) {
	settings, err := c.settings(cmd)
	if err != nil {
		return operations.Client{}, err
	}
	options, err := dial.Options(settings.Encryption)
	if err != nil {
		return operations.Client{}, &exit{code: exitBadInput, err: err}
	}
	known, err := clusters.Load(settings.Known())
	if err != nil {
		return operations.Client{}, &exit{code: exitBadInput, err: err}
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	options.Identity = identity()
	ctx, cancel := context.WithTimeout(cmd.Context(), dialTimeout)
	defer cancel()
	temporal, err := dial.Temporal(ctx, options)
	if err != nil {
		return operations.Client{}, &exit{code: exitNoTemporal, err: err}
	}
	return operations.Client{Connection: temporal, Clusters: known, UI: settings.UIURL, Patience: workerPatience}, nil
}

// identity is who started an operation, as others see it when the environment is busy.
func identity() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return name + "@" + host
}
