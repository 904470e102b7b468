package main

import (
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/config/operation"
	"lockstep/config/settings"
	"lockstep/workflows"
	"lockstep/workflows/workflowstest"
)

// server is a Temporal server that knows Lockstep's search attributes.
func server(t *testing.T) (client.Client, string) {
	t.Helper()
	return workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
}

// settings of a worker, with as long to stop as a test may take.
func workerSettings() settings.Settings {
	return settings.Settings{TaskQueue: "lockstep", MaxConcurrentActivities: 20, StopTimeout: config.Duration(10 * time.Minute)}
}

// serving is a worker in this process, with stand-ins for its activities.
type serving struct {
	*service
	signals chan os.Signal
	ended   chan error
}

func serve(t *testing.T, settings settings.Settings, instead map[string]any) *serving {
	t.Helper()
	s, err := newService(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.register = standIns(instead)
	w := &serving{s, make(chan os.Signal, 2), make(chan error, 1)}
	go func() {
		defer s.temporal.Close()
		w.ended <- s.run(t.Context(), w.signals)
		close(w.ended)
	}()
	t.Cleanup(func() {
		w.signals <- syscall.SIGTERM
		w.signals <- syscall.SIGTERM
		<-w.ended
	})
	until(t, "the worker is ready", func() bool {
		code, _ := probe(w.health, "/readyz")
		return code == 200
	})
	return w
}

// carriesOut waits until the worker is at an activity of that type. Temporal has it for started a little earlier.
func (w *serving) carriesOut(t *testing.T, activity string) {
	t.Helper()
	until(t, "the worker carries out "+activity, func() bool { return strings.Contains(strings.Join(w.draining.Running(), " "), activity) })
}

// stop lets the worker drain.
func (w *serving) stop(t *testing.T) {
	t.Helper()
	w.signals <- syscall.SIGTERM
	if err := <-w.ended; err != nil {
		t.Errorf("stopping the worker: %v", err)
	}
}

func standIns(instead map[string]any) func(worker.Registry, string) {
	return func(w worker.Registry, _ string) {
		workflows.Register(w)
		workflowstest.Register(w, instead)
	}
}

// begin starts a deployment under that id.
func begin(t *testing.T, c client.Client, id, environment string) client.WorkflowRun {
	t.Helper()
	env, err := environments.Load("../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	env.Name = environment
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "lockstep"},
		operation.Deploy, workflows.DeployInput{Request: workflows.Of(env)})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// deploy starts one under the environment's own id.
func deploy(t *testing.T, c client.Client, environment string) client.WorkflowRun {
	t.Helper()
	return begin(t, c, workflows.CanonicalID(environment), environment)
}

func done(t *testing.T, run client.WorkflowRun) {
	t.Helper()
	if err := run.Get(t.Context(), nil); err != nil {
		t.Errorf("operation %s: %v", run.GetID(), err)
	}
}

// pending counts the activities of that type which are in that state.
func pending(t *testing.T, c client.Client, run client.WorkflowRun, activity string, state enumspb.PendingActivityState) int {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range d.GetPendingActivities() {
		if a.GetActivityType().GetName() == activity && a.GetState() == state {
			n++
		}
	}
	return n
}

func history(t *testing.T, c client.Client, id, run string) []*historypb.HistoryEvent {
	t.Helper()
	var events []*historypb.HistoryEvent
	all := c.GetWorkflowHistory(t.Context(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for all.HasNext() {
		event, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// starts are how the activities of that type began, by their ids: their last attempts, with how the ones before had failed.
func starts(t *testing.T, c client.Client, run client.WorkflowRun, activity string) map[string]*historypb.ActivityTaskStartedEventAttributes {
	t.Helper()
	scheduled := map[int64]string{}
	found := map[string]*historypb.ActivityTaskStartedEventAttributes{}
	for _, e := range history(t, c, run.GetID(), run.GetRunID()) {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == activity {
			scheduled[e.GetEventId()] = a.GetActivityId()
		}
		if a := e.GetActivityTaskStartedEventAttributes(); scheduled[a.GetScheduledEventId()] != "" {
			found[scheduled[a.GetScheduledEventId()]] = a
		}
	}
	return found
}

// handedOver holds if the attempts that began last follow ones that were handed over, and did not time out.
func handedOver(t *testing.T, c client.Client, run client.WorkflowRun, activity string) {
	t.Helper()
	all := starts(t, c, run, activity)
	if len(all) == 0 {
		t.Errorf("%s never began", activity)
	}
	for id, a := range all {
		why := a.GetLastFailure()
		if a.GetAttempt() != 2 || why.GetTimeoutFailureInfo() != nil || !strings.HasPrefix(why.GetMessage(), "handed over: ") {
			t.Errorf("%s %s: attempt %d after %v", id, activity, a.GetAttempt(), why)
		}
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const patience = 2 * time.Minute
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %s: %s", patience, what)
		}
	}
}
