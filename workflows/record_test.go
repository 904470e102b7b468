package workflows

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

var update = flag.Bool("update", false, "write histories anew")

// enough is the patience of an environment whose Identity Server is given time to start.
const enough = config.Duration(42 * time.Minute)

// recorded is one operation whose history is kept. The environment is called as its file; its name says what happens to it, and
// under "delegated-" the operation is begun under another id, whose history it is then.
type recorded struct {
	file, operation string
	adjust          func(*config.Environment)
	phase, update   string // in that phase an operator sends that Update
	input           func(config.Environment) any
}

func recordings() []recorded {
	pause := func(env *config.Environment) { env.OnFailure = config.OnFailurePause }
	changed := func(env config.Environment) any {
		env.Timeouts.IdentityServer = enough
		return decision.RetryStep{Environment: inline(env), By: "oncall", Reason: "it needs more time"}
	}
	all := []recorded{
		{file: "deploy-unready-retried", operation: operation.Deploy, adjust: pause, phase: board.PhasePaused, update: decision.UpdateRetry,
			input: func(config.Environment) any { return decision.RetryStep{By: "oncall"} }},
		{file: "deploy-impatient-changed", operation: operation.Deploy, adjust: pause, phase: board.PhasePaused, update: decision.UpdateRetry, input: changed},
		{file: "deploy-unproven-skipped", operation: operation.Deploy, adjust: pause, phase: board.PhasePaused, update: decision.UpdateSkip,
			input: func(config.Environment) any {
				return decision.SkipStep{Step: "verify", By: "oncall", Reason: "a firewall"}
			}},
		{file: "deploy-approved", operation: operation.Deploy, adjust: func(env *config.Environment) { env.Approvals = []string{component.APIManager} },
			phase: board.PhaseAwaitingApproval, update: decision.UpdateApprove,
			input: func(config.Environment) any {
				return decision.Approve{Step: component.APIManager, By: "oncall", Reason: "the window is open"}
			}},
		{file: "deploy-impatient-given-up", operation: operation.Deploy, adjust: pause, phase: board.PhasePaused, update: decision.UpdateRollback,
			input: func(config.Environment) any { return decision.Rollback{By: "oncall", Reason: "it is late"} }},
		{file: "deploy-impatient-undecided", operation: operation.Deploy, adjust: func(env *config.Environment) {
			pause(env)
			env.Timeouts.Decision = config.Duration(time.Second)
		}},
	}
	for _, row := range operation.All() {
		for _, end := range []string{"done", "failed", "cancelled"} {
			file := row.Verb + "-" + end
			all = append(all, recorded{file: file, operation: row.Type}, recorded{file: "delegated-" + file, operation: row.Type})
		}
	}
	for _, end := range []string{"done", "failed", "cancelled", "skipped"} {
		all = append(all, recorded{file: "delegated-scheduled-" + end, operation: TypeScheduled})
	}
	return append(all, recorded{file: "teardown-nothing", operation: operation.Teardown}, recorded{file: "rebuild-nothing-done", operation: operation.Rebuild},
		recorded{file: "rebuild-stuck-failed", operation: operation.Rebuild})
}

// TestRecordHistories records them anew from a real server, when asked to.
func TestRecordHistories(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	startWorker(t, c, stage(c))
	wanted := map[string]bool{}
	for _, r := range recordings() {
		wanted[r.file] = true
		t.Run(r.file, func(t *testing.T) {
			run := r.play(t, c, quickstart(t))
			write(t, c, r.file, idOf(r.file), run.GetRunID()) // a delegated child's is like that of a run of its own
		})
	}
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		if !wanted[strings.TrimSuffix(filepath.Base(file), ".json")] {
			_ = os.Remove(file)
		}
	}
}

func startWorker(t *testing.T, c client.Client, instead map[string]any) {
	t.Helper()
	w := worker.New(c, "lockstep", worker.Options{MaxHeartbeatThrottleInterval: 50 * time.Millisecond})
	Register(w)
	workflowstest.Register(w, instead)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// idOf is the workflow id under which the operation on an environment of that name is begun.
func idOf(name string) string {
	if strings.HasPrefix(name, "delegated-") {
		return "nightly-" + name
	}
	return CanonicalID(name)
}

// play carries the operation out to its end, with the operator's part in it.
func (r recorded) play(t *testing.T, c client.Client, env config.Environment) client.WorkflowRun {
	t.Helper()
	env.Name = r.file
	if r.adjust != nil {
		r.adjust(&env)
	}
	inputs := map[string]any{operation.Deploy: DeployInput{Request: Of(env)}, operation.Verify: VerifyInput{Request: Of(env)},
		operation.Teardown: TeardownInput{Request: Of(env), Options: TeardownOptions{Purge: true}}, operation.Rebuild: RebuildInput{Request: Of(env)}, operation.Drift: DriftInput{Request: Of(env)}, operation.Rotate: RotateInput{Request: Of(env)},
		TypeScheduled: ScheduledInput{Request: Of(env), Options: ScheduledOptions{Operation: "verify", Schedule: "nightly"}}}
	if strings.HasSuffix(r.file, "-scheduled-skipped") {
		holds, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: CanonicalID(r.file), TaskQueue: "nobody"}, operation.Deploy)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.TerminateWorkflow(context.WithoutCancel(t.Context()), holds.GetID(), "", "recorded") }()
	}
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: idOf(r.file), TaskQueue: "lockstep"}, r.operation, inputs[r.operation])
	if err != nil {
		t.Fatal(err)
	}
	if r.update != "" {
		until(t, c, run.GetID(), r.phase)
		handle, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{WorkflowID: run.GetID(), UpdateName: r.update,
			Args: []any{r.input(env)}, WaitForStage: client.WorkflowUpdateStageCompleted})
		if err != nil {
			t.Fatal(err)
		}
		if err := handle.Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	err = run.Get(t.Context(), nil)
	ends := strings.HasSuffix(r.file, "-failed") || strings.HasSuffix(r.file, "-cancelled") || strings.HasSuffix(r.file, "-nothing") ||
		strings.HasSuffix(r.file, "-given-up") || strings.HasSuffix(r.file, "-undecided")
	if (err != nil) != ends {
		t.Errorf("%s ended with %v", r.file, err)
	}
	return run
}

// until waits for a phase.
func until(t *testing.T, c client.Client, id, phase string) {
	t.Helper()
	var s board.Status
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		answer, err := c.QueryWorkflow(t.Context(), id, "", board.QueryStatus)
		if err == nil && answer.Get(&s) == nil && s.Phase == phase {
			return
		}
	}
	t.Fatalf("%s is %s, not %s", id, s.Phase, phase)
}

// stage has happen to an environment what its name says.
func stage(c client.Client) map[string]any {
	var tried sync.Map // environments whose Identity Server was waited for
	trouble := func(ctx context.Context, name string) error {
		switch {
		case strings.HasSuffix(name, "-failed"):
			return call.Failed(failure.NotReady, "not ready: CrashLoopBackOff\nNext: read its log")
		case strings.HasSuffix(name, "-cancelled"):
			if err := c.CancelWorkflow(ctx, idOf(name), ""); err != nil {
				return err
			}
			return untilCancelled(ctx)
		}
		return nil
	}
	return map[string]any{
		"WaitWorkload": func(ctx context.Context, in activities.WaitInput) error {
			name := in.Env.Name
			if in.Component == component.APIManager {
				return nil
			}
			_, again := tried.LoadOrStore(name, true)
			if strings.Contains(name, "-unready-") && !again || strings.Contains(name, "-impatient-") && in.Env.Timeouts.IdentityServer != enough {
				return call.Failed(failure.NotReady, "not ready: its startup probe ran out\nNext: raise timeouts.identityServer")
			}
			return trouble(ctx, name)
		},
		"Verify": func(ctx context.Context, in activities.VerifyInput) (activities.Verification, error) {
			if strings.Contains(in.Env.Name, "-unproven-") {
				return activities.Verification{}, call.Failed(failure.Refused, "a revoked token is still accepted")
			}
			return activities.Verification{}, trouble(ctx, in.Env.Name)
		},
		"DriftKeyManager": func(ctx context.Context, in activities.Input) ([]drift.Item, error) {
			if strings.HasSuffix(in.Env.Name, "-failed") {
				return nil, call.Failed(failure.Unauthorized, "API Manager refuses the password")
			}
			if err := trouble(ctx, in.Env.Name); err != nil {
				return nil, err
			}
			return []drift.Item{{Object: "key manager", Wants: "registered", Is: drift.Missing}}, nil
		},
		"Survey": func(_ context.Context, in activities.Input) (activities.Remains, error) {
			if strings.Contains(in.Env.Name, "-nothing") {
				return activities.Remains{}, call.Failed(failure.NotFound, fmt.Sprintf("there is nothing of environment %q", in.Env.Name))
			}
			return activities.Remains{}, nil
		},
		"RemoveRelease": func(ctx context.Context, in activities.RemoveReleaseInput) (string, error) {
			name := in.Env.Name
			if in.Component == component.APIManager || strings.Contains(name, "rebuild-") && !strings.Contains(name, "-stuck-") {
				return "uninstalled", nil
			}
			return "", trouble(ctx, name)
		},
	}
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

// write keeps the history of a run.
func write(t *testing.T, c client.Client, file, id, run string) {
	t.Helper()
	var lines []string
	events := c.GetWorkflowHistory(t.Context(), id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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
		for _, key := range []string{"input", "header", "retryPolicy", "heartbeatTimeout", "scheduleToCloseTimeout", "scheduleToStartTimeout", "startToCloseTimeout"} {
			delete(scheduled, key)
		}
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
		for _, key := range []string{"identity", "workerVersion", "userMetadata", "requestId", "historySizeBytes", "taskId", "firstExecutionRunId", "meteringMetadata"} {
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
