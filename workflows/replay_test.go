package workflows

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/workflows/workflowstest"
)

// A change of workflow code must not break operations that are under way: these histories are of the code before it. A change
// that cannot be made compatible needs workflow.GetVersion, or, before the first release, new histories:
//
//	go test ./workflows -run TestRecordHistories -update
func TestOperationsUnderWayOutliveAChangeOfTheirCode(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			for _, w := range []any{Deploy, Verify, Teardown} {
				replayer.RegisterWorkflow(w)
			}
			history := read(t, file)
			id := history.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowId()
			err := replayer.ReplayWorkflowHistoryWithOptions(workflowstest.Silent{}, history,
				worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: id}})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func read(t *testing.T, file string) *historypb.History {
	t.Helper()
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	history, err := client.HistoryFromJSON(reader, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return history
}

func TestHistoriesHoldNothingOfTheMachineThatRecordedThem(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"identity"`, host + ":", "@" + host, "/go/pkg/", "STICKY"} {
			if strings.Contains(string(text), word) {
				t.Errorf("%s holds %q", file, word)
			}
		}
	}
}

// TestRecordHistories records them anew from a real server, when asked to.
func TestRecordHistories(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	w := worker.New(c, "lockstep", worker.Options{MaxHeartbeatThrottleInterval: 50 * time.Millisecond})
	Register(w)
	workflowstest.Register(w, map[string]any{"WaitWorkload": func(ctx context.Context, in activities.WaitInput) error {
		switch {
		case in.Component == activities.APIManager:
			return nil
		case in.Env.Name == "rolled-back":
			return broken(activities.TypeNotReady, "not ready: CrashLoopBackOff\nNext: read its log")
		case in.Env.Name == "cancelled":
			if err := c.CancelWorkflow(ctx, CanonicalID(in.Env.Name), ""); err != nil {
				return err
			}
			return untilCancelled(ctx)
		}
		return nil
	}})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, name := range []string{"done", "rolled-back", "cancelled"} {
		env := quickstart(t)
		env.Name = name
		record(t, c, "deploy-"+name, CanonicalID(name), OperationDeploy, DeployInput{Environment: env})
	}
	env := quickstart(t)
	record(t, c, "deploy-scheduled", "nightly", OperationDeploy, DeployInput{Environment: env})
	record(t, c, "teardown-done", CanonicalID(env.Name), OperationTeardown, TeardownInput{Environment: env, Purge: true})
}

func untilCancelled(ctx context.Context) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}

func record(t *testing.T, c client.Client, file, id, operation string, input any) {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "lockstep"}, operation, input)
	if err != nil {
		t.Fatal(err)
	}
	_ = run.Get(t.Context(), nil) // some are meant to fail
	var lines []string
	events := c.GetWorkflowHistory(t.Context(), run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, anonymous(t, event))
	}
	text := "{\"events\":[\n" + strings.Join(lines, ",\n") + "\n]}\n"
	if err := os.WriteFile(filepath.Join("testdata", file+".json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// anonymous is an event as JSON, without what says who recorded it and without what a replay does not read.
func anonymous(t *testing.T, event *historypb.HistoryEvent) string {
	t.Helper()
	text, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	strip(fields)
	if scheduled, ok := fields["activityTaskScheduledEventAttributes"].(map[string]any); ok {
		delete(scheduled, "input")
	}
	text, err = json.Marshal(fields) // sorted keys
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func strip(value any) {
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			strip(each)
		}
	case map[string]any:
		for _, key := range []string{"identity", "workerVersion", "userMetadata", "requestId", "historySizeBytes", "taskId", "firstExecutionRunId"} {
			delete(v, key)
		}
		if _, ok := v["taskQueue"]; ok { // a sticky one is named after its host
			v["taskQueue"] = map[string]any{"name": "lockstep"}
		}
		for _, each := range v {
			strip(each)
		}
	}
}
