package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"lockstep/config/settings"
	"lockstep/internal/attempt"
)

// heartbeatThrottle is how long the SDK may hold heartbeats back. They carry progress to operators and cancellation to activities;
// without this, both would lag by most of the heartbeat timeout.
const heartbeatThrottle = 2 * time.Second

// service is a worker in service: from its first poll to the end of its last activity.
type service struct {
	settings   settings.Settings
	logger     *slog.Logger
	temporal   client.Client
	health     *health
	draining   attempt.Draining
	heartbeats attempt.Heartbeats
	version    worker.DeploymentOptions
	// register gives a worker its workflows and activities.
	register func(worker.Registry)
}

// run works until a signal comes, and then drains. A second signal ends it at once.
func (s *service) run(ctx context.Context, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	w := worker.New(s.temporal, s.settings.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: s.settings.MaxConcurrentActivities,
		WorkerStopTimeout:                  time.Duration(s.settings.StopTimeout),
		Interceptors:                       attempt.Interceptors(&s.heartbeats, &s.draining),
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DeploymentOptions:                  s.version,
		OnFatalError:                       func(err error) { failed <- err },
	})
	s.register(w)
	if err := w.Start(); err != nil {
		return fmt.Errorf("starting to work on task queue %q: %w", s.settings.TaskQueue, err)
	}
	s.health.started(func(ctx context.Context) error {
		_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	})
	go s.announce(ctx)
	if s.settings.Deployment.Current {
		go keepMakingCurrent(ctx, s.temporal, s.version.Version, s.logger)
	}
	var failure error
	select {
	case <-signals:
	case failure = <-failed:
	}
	cancel()
	return errors.Join(failure, s.stop(w, failure, signals))
}

// announce says that the worker is ready once Temporal has it wait for tasks: before, whoever starts an operation is told that no
// worker listens.
func (s *service) announce(ctx context.Context) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !s.health.polls.waited(workflowTasks, time.Now()) || !s.health.polls.waited(activityTasks, time.Now()) {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	s.logger.Info("Worker ready", "taskQueue", s.settings.TaskQueue)
}

// Activities that are handed over need a moment to say so before the stop timeout is over. The SDK holds to that timeout for each of
// its parts, one after the other: the worker ends a little after it in any case.
const (
	handOverMargin = 5 * time.Second
	stopMargin     = 5 * time.Second
)

// stop drains the worker. It returns an error if activities had not ended by then.
func (s *service) stop(w worker.Worker, failure error, signals <-chan os.Signal) error {
	limit := time.Duration(s.settings.StopTimeout)
	s.health.stopping(failure)
	stopped := make(chan struct{})
	go func() {
		w.Stop() // takes no more tasks from now on
		close(stopped)
	}()
	handedOver, finishing := s.draining.Stop()
	s.logger.Info(fmt.Sprintf("stopping: waiting for %s, up to %s", listed(finishing), s.settings.StopTimeout), "handedOver", handedOver)
	late, end := time.After(limit-min(handOverMargin, limit/4)), time.After(limit+stopMargin)
	for {
		select {
		case <-stopped:
			return s.ended("after " + s.settings.StopTimeout.String())
		case <-end:
			return s.ended("after " + s.settings.StopTimeout.String())
		case signal := <-signals:
			return errors.Join(fmt.Errorf("ended at once by a second signal (%s)", signal), s.ended("then"))
		case <-late:
			if running := s.draining.Running(); len(running) > 0 {
				s.logger.Info("stopping: handing over " + listed(running))
				s.draining.HandOver()
			}
		}
	}
}

// ended says what the worker leaves running: its process ends with it.
func (s *service) ended(when string) error {
	running := s.draining.Running()
	if len(running) == 0 {
		s.logger.Info("Worker stopped")
		return nil
	}
	return fmt.Errorf("%s still running %s: Temporal tries it again on another worker after the heartbeat timeout; set a longer stopTimeout (LOCKSTEP_STOP_TIMEOUT) to let it finish",
		listed(running), when)
}

// listed is as "2 activities (a, b)".
func listed(names []string) string {
	switch len(names) {
	case 0:
		return "no activity"
	case 1:
		return "1 activity (" + names[0] + ")"
	}
	return fmt.Sprintf("%d activities (%s)", len(names), strings.Join(names, ", "))
}
