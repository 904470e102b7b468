// Command worker runs the workflows and activities of Lockstep.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/workflows"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "worker", Short: "Run Lockstep's workflows and activities", Args: cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true,
	}
	c.Flags().StringVar(&file, "config", "", "settings file (default: lockstep.yaml here or in the user's configuration folder)")
	config.AddFlags(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := config.LoadSettings(c.Flags(), file)
		if err != nil {
			return err
		}
		return run(c.Context(), settings)
	}
	return c
}

// stopTimeout is how long running activities may take to end once the worker was told to stop. Those that are not done then are
// tried again by another worker, from what they find.
const stopTimeout = 30 * time.Second

// heartbeatThrottle is how long the SDK may hold heartbeats back. They carry progress to operators and cancellation to activities;
// without this, both would lag by most of the heartbeat timeout.
const heartbeatThrottle = 2 * time.Second

func run(ctx context.Context, settings config.Settings) error {
	logger := logger(settings, os.Stderr)
	heartbeats := &activities.Heartbeats{}
	temporal, err := connect(logger, heartbeats)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := ensureSearchAttributes(ctx, temporal); err != nil {
		return err
	}
	w := worker.New(temporal, settings.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: settings.MaxConcurrentActivities,
		WorkerStopTimeout:                  stopTimeout,
		Interceptors:                       []interceptor.WorkerInterceptor{heartbeats},
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
	})
	workflows.Register(w)
	w.RegisterActivity(activities.New(settings))
	logger.Info("Worker ready", "taskQueue", settings.TaskQueue)
	return w.Run(worker.InterruptCh())
}

func connect(logger *slog.Logger, heartbeats *activities.Heartbeats) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("reading Temporal's settings (TEMPORAL_… and temporal.toml): %w", err)
	}
	options.Logger = sdklog.NewStructuredLogger(logger)
	heartbeats.Listen(&options.ConnectionOptions)
	c, err := client.Dial(options)
	if err != nil {
		return nil, fmt.Errorf("connecting to Temporal at %q: %w; set TEMPORAL_ADDRESS, or start a server", options.HostPort, err)
	}
	return c, nil
}

func logger(settings config.Settings, out io.Writer) *slog.Logger {
	var level slog.LevelVar
	_ = level.UnmarshalText([]byte(settings.LogLevel)) // checked when it was loaded
	options := &slog.HandlerOptions{Level: &level}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}
