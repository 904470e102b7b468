package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lockstep/config/settings"
)

// healthcheck asks the worker of the same settings whether it is ready, for engines whose health checks are commands: an image may hold
// nothing else that could ask.
func healthcheck(load func() (settings.Settings, error)) *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Exit 0 if the worker at health.address is ready", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := load()
			if err != nil {
				return err
			}
			return askReady(c.Context(), settings.Health.Address)
		},
	}
}

func askReady(ctx context.Context, address string) error {
	if address == "" {
		return fmt.Errorf("there is no address to ask: set health.address (LOCKSTEP_HEALTH_ADDRESS) to that of the worker")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading health.address %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost" // it listens everywhere
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("asking the worker: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking the worker: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return fmt.Errorf("the worker is not ready: %s", strings.TrimSpace(string(said)))
	}
	return nil
}
