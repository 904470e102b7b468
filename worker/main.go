// Command worker runs the workflows and activities of Lockstep.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"

	"lockstep/activities"
	"lockstep/config/clusters"
	"lockstep/config/settings"
	"lockstep/internal/attempt"
	"lockstep/internal/dial"
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
	c.PersistentFlags().StringVar(&file, "config", "", "settings file (default: LOCKSTEP_CONFIG, else lockstep.yaml in the user's configuration folder or in /etc/lockstep)")
	settings.AddFlags(c.PersistentFlags())
	load := func() (settings.Settings, error) { return settings.Load(c.PersistentFlags(), file) }
	c.RunE = func(c *cobra.Command, _ []string) error {
		if note := settings.Overlooked(file); note != "" {
			fmt.Fprintln(c.ErrOrStderr(), "note:", note)
		}
		settings, err := load()
		if err != nil {
			return err
		}
		return run(c.Context(), settings)
	}
	c.AddCommand(healthcheck(load))
	return c
}

// run connects a worker to Temporal and lets it work. Signals are left to their defaults until there is something to drain.
func run(ctx context.Context, settings settings.Settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := newService(ctx, settings, settings.Logger(os.Stderr))
	if err != nil {
		return err
	}
	defer s.temporal.Close()
	s.register = func(w worker.Registry, queue string) {
		workflows.Register(w)
		w.RegisterActivity(activities.On(queue, settings))
	}
	signals := make(chan os.Signal, 2) // the second ends what the first began
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	return s.run(ctx, signals)
}

// newService answers probes from the start, and is otherwise ready to [service.run]. What it serves ends with ctx.
func newService(ctx context.Context, settings settings.Settings, logger *slog.Logger) (*service, error) {
	s := &service{settings: settings, logger: logger, health: newHealth()}
	var err error
	if s.clusters, err = clusters.Load(settings.Known()); err != nil {
		return nil, err
	}
	if s.queues, err = clusters.Queues(s.clusters, settings.Serves); err != nil {
		return nil, err
	}
	if s.version, err = version(settings.Deployment); err != nil {
		return nil, err
	}
	if err := s.health.serve(ctx, settings.Health.Address); err != nil {
		return nil, err
	}
	if s.temporal, err = connect(ctx, settings, logger, &s.heartbeats, &s.health.polls); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.temporal.Close()
		return nil, err
	}
	return s, nil
}

// prepare looks to it that Temporal has what operations need.
func (s *service) prepare(ctx context.Context) error {
	if err := ensureSearchAttributes(ctx, s.temporal); err != nil || !s.version.UseVersioning {
		return err
	}
	own := s.version.Version
	s.logger = s.logger.With("deployment", own.DeploymentName, "buildID", own.BuildID)
	hasCurrent, err := checkVersioning(ctx, s.temporal, own.DeploymentName)
	if err == nil && !hasCurrent && !s.settings.Deployment.Current {
		s.logger.Warn(fmt.Sprintf("No version of the deployment is current, so no operation begins: run `temporal worker deployment set-current-version "+
			"--deployment-name %s --build-id %s`", own.DeploymentName, own.BuildID))
	}
	return err
}

func connect(ctx context.Context, settings settings.Settings, logger *slog.Logger, heartbeats *attempt.Heartbeats, polls *polls) (client.Client, error) {
	options, err := dial.Options(settings.Encryption)
	if err != nil {
		return nil, err
	}
	options.Logger = sdklog.NewStructuredLogger(logger)
	heartbeats.Listen(&options.ConnectionOptions)
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithChainUnaryInterceptor(polls.watch))
	connection, err := dial.Temporal(ctx, options)
	return connection.Client, err // a worker takes no other client than the SDK's own
}
