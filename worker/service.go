package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"lockstep/config/clusters"
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
	clusters   clusters.Set
	queues     []string // of those that it serves
	seen       seen
	// register gives a worker on a task queue its workflows and activities.
	register func(on worker.Registry, queue string)
}

// run works until a signal comes, and then drains. A second signal ends it at once.
func (s *service) run(ctx context.Context, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, len(s.queues))
	s.health.polling(s.queues, s.describeClusters)
	var running workers
	for _, queue := range s.queues {
		w := s.on(queue, failed)
		if err := w.Start(); err != nil {
			running.Stop()
			return fmt.Errorf("starting to work on task queue %q: %w", queue, err)
		}
		running = append(running, w)
	}
	go s.watchClusters(ctx)
	s.health.started(func(ctx context.Context) error {
		_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	})
	go s.announce(ctx)
	if s.settings.Deployment.Current {
		go keepMakingCurrent(ctx, s.temporal, s.version.Version, taskKinds*len(s.queues), s.logger)
	}
	var failure error
	select {
	case <-signals:
	case failure = <-failed:
	}
	cancel()
	return errors.Join(failure, s.stop(running, failure, signals))
}

// on is a worker on one task queue.
func (s *service) on(queue string, failed chan<- error) worker.Worker {
	w := worker.New(s.temporal, queue, worker.Options{
		MaxConcurrentActivityExecutionSize: s.settings.MaxConcurrentActivities,
		WorkerStopTimeout:                  time.Duration(s.settings.StopTimeout),
		Interceptors:                       attempt.Interceptors(&s.heartbeats, &s.draining),
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DeploymentOptions:                  s.version,
		OnFatalError:                       func(err error) { failed <- err },
	})
	s.register(w, queue)
	return w
}

// workers are those of all task queues.
type workers []worker.Worker

// Stop drains them side by side.
func (all workers) Stop() {
	var stopping sync.WaitGroup
	for _, w := range all {
		stopping.Go(w.Stop)
	}
	stopping.Wait()
}

// announce says that the worker is ready once Temporal has it wait for tasks: before, whoever starts an operation is told that no
// worker listens.
func (s *service) announce(ctx context.Context) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !s.health.waited() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	s.logger.Info("Worker ready", "taskQueue", strings.Join(s.queues, ","))
}

// Activities that are handed over need a moment to say so before the stop timeout is over. The SDK holds to that timeout for each of
// its parts, one after the other: the worker ends a little after it in any case.
const (
	handOverMargin = 5 * time.Second
	stopMargin     = 5 * time.Second
)

// stop drains the worker. It returns an error if activities had not ended by then.
func (s *service) stop(w workers, failure error, signals <-chan os.Signal) error {
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
