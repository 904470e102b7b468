package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/settings"
	"lockstep/sandbox/process"
	"lockstep/workflows"
)

// asProcess lets this test program be a worker whose waits do not end.
const asProcess = "LOCKSTEP_TEST_AS_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) == "" {
		os.Exit(m.Run())
	}
	if err := endless(); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func endless() error {
	settings, err := settings.Load(nil, "")
	if err != nil {
		return err
	}
	s, err := newService(context.Background(), settings, settings.Logger(os.Stderr))
	if err != nil {
		return err
	}
	s.register = standIns(map[string]any{"WaitWorkload": untilStopped})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM)
	return s.run(context.Background(), signals)
}

func untilStopped(ctx context.Context, in activities.WaitInput) error {
	activity.GetLogger(ctx).Info("waiting for " + in.Component)
	<-ctx.Done()
	return ctx.Err()
}

func TestAWaitGoesOnElsewhereOnceItsWorkerIsToldToStop(t *testing.T) {
	c, _ := server(t)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), asProcess+"=1", "XDG_CONFIG_HOME="+t.TempDir())
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = log
	if err := process.StartChild(child); err != nil {
		t.Fatal(err)
	}
	logged := func(text string) bool {
		all, err := os.ReadFile(log.Name())
		return err == nil && strings.Contains(string(all), text)
	}
	run := deploy(t, c, "shop")
	until(t, "the first worker waits for both products", func() bool {
		return logged("waiting for identity-server") && logged("waiting for api-manager")
	})
	serve(t, workerSettings(), nil)
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil { // or a status that is not 0
		t.Error(err)
	}
	done(t, run)
	handedOver(t, c, run, "WaitWorkload")
	if !logged("stopping: waiting for no activity, up to 30s") || !logged("environment/shop identity-server.") {
		all, _ := os.ReadFile(log.Name())
		t.Errorf("log:\n%s", all)
	}
}

// blocked is a stand-in that ends only when the test says so.
func blocked(t *testing.T) (standIn func(context.Context, activities.ApplyReleaseInput) (activities.Release, error), let func()) {
	t.Helper()
	ctx, let := context.WithCancel(context.Background())
	t.Cleanup(let)
	return func(context.Context, activities.ApplyReleaseInput) (activities.Release, error) {
		<-ctx.Done()
		return activities.Release{}, nil
	}, let
}

func TestAStoppingWorkerIsNotReadyAndLetsAReleaseBeApplied(t *testing.T) {
	c, _ := server(t)
	apply, let := blocked(t)
	w := serve(t, workerSettings(), map[string]any{"ApplyRelease": apply})
	run := deploy(t, c, "shop")
	w.carriesOut(t, "ApplyRelease")
	applying := w.draining.Running()
	w.signals <- syscall.SIGTERM
	until(t, "the worker is not ready", func() bool {
		code, says := probe(w.health, "/readyz")
		return code == http.StatusServiceUnavailable && says == "stopping"
	})
	wants(t, w.health, "/livez", http.StatusOK, "ok")
	let()
	if err := <-w.ended; err != nil {
		t.Errorf("got %v", err)
	}
	serve(t, workerSettings(), nil)
	done(t, run)
	for id, a := range starts(t, c, run, "ApplyRelease") {
		if slices.Contains(applying, workflows.CanonicalID("shop")+" "+id+" ApplyRelease") && a.GetAttempt() != 1 {
			t.Errorf("%s: attempt %d after %v", id, a.GetAttempt(), a.GetLastFailure())
		}
	}
}

func TestASecondSignalEndsAWorkerAtOnce(t *testing.T) {
	c, _ := server(t)
	apply, _ := blocked(t)
	w := serve(t, workerSettings(), map[string]any{"ApplyRelease": apply})
	deploy(t, c, "shop")
	w.carriesOut(t, "ApplyRelease")
	w.signals <- syscall.SIGTERM
	w.signals <- syscall.SIGINT
	err := <-w.ended
	if err == nil || !strings.Contains(err.Error(), "second signal (interrupt)") || !strings.Contains(err.Error(), "ApplyRelease") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotDoneInTimeGoesOnElsewhere(t *testing.T) {
	c, _ := server(t)
	short := workerSettings()
	short.StopTimeout = config.Duration(time.Second)
	w := serve(t, short, map[string]any{"BuildImage": func(ctx context.Context, _ activities.Input) (activities.Image, error) {
		<-ctx.Done()
		return activities.Image{}, ctx.Err()
	}})
	run := deploy(t, c, "shop")
	w.carriesOut(t, "BuildImage")
	w.stop(t)
	serve(t, workerSettings(), nil)
	done(t, run)
	handedOver(t, c, run, "BuildImage")
}

func TestAWorkerNamesWhatItLeavesRunning(t *testing.T) {
	c, _ := server(t)
	short := workerSettings()
	short.StopTimeout = config.Duration(time.Second)
	apply, _ := blocked(t)
	w := serve(t, short, map[string]any{"ApplyRelease": apply})
	deploy(t, c, "shop")
	w.carriesOut(t, "ApplyRelease")
	w.signals <- syscall.SIGTERM
	err := <-w.ended
	if err == nil || !strings.Contains(err.Error(), "ApplyRelease") || !strings.Contains(err.Error(), "still running after 1s") ||
		!strings.Contains(err.Error(), "LOCKSTEP_STOP_TIMEOUT") {
		t.Errorf("got %v", err)
	}
}
