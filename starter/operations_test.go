package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/component"
	"lockstep/internal/dial"
	"lockstep/internal/failure"
	"lockstep/starter/operations"
	"lockstep/workflows"
	"lockstep/workflows/workflowstest"
)

const diagnosis = "Deployment apim/is is not ready: CrashLoopBackOff\njava.lang.OutOfMemoryError\nNext: raise the memory limit"

// cluster stands in for what activities act on. The environment's name says what happens to it. What is stuck goes on once stuck is
// closed.
func cluster(stuck chan struct{}) map[string]any {
	return map[string]any{
		"Preflight": func(ctx context.Context, in activities.Input) (activities.Preflight, error) {
			return activities.Preflight{Kubernetes: "v1.35.4", Warnings: []string{"the cluster is old"}, Summary: "all fine"}, nil
		},
		"WaitWorkload": func(ctx context.Context, in activities.WaitInput) error {
			switch {
			case in.Component != component.IdentityServer:
				return nil
			case strings.HasPrefix(in.Env.Name, "broken"):
				return temporal.NewNonRetryableApplicationError(diagnosis, string(failure.NotReady), nil)
			case strings.HasPrefix(in.Env.Name, "paused") && in.Env.Timeouts.IdentityServer != config.Duration(42*time.Minute):
				return temporal.NewNonRetryableApplicationError(diagnosis, string(failure.NotReady), nil)
			case strings.HasPrefix(in.Env.Name, "slow"):
				return untilCancelled(ctx)
			}
			return nil
		},
		"Survey": func(_ context.Context, in activities.Input) (activities.Remains, error) {
			if in.Env.Name == "never" {
				return activities.Remains{}, temporal.NewNonRetryableApplicationError("there is nothing of environment \"never\"", string(failure.NotFound), nil)
			}
			return activities.Remains{}, nil
		},
		"RestoreRelease": func(ctx context.Context, in activities.RestoreReleaseInput) error {
			if in.Release.Scope.Environment == "broken-stuck" {
				<-stuck
			}
			return nil
		},
		"CollectReport": func(_ context.Context, in activities.ReportInput) (activities.Report, error) {
			return activities.Report{Environment: in.Env.Name, Namespace: in.Env.Namespace, GatewayURL: "https://" + in.Env.Hostnames.Gateway, Warnings: in.Warnings}, nil
		},
		"Verify": func(context.Context, activities.VerifyInput) (activities.Verification, error) {
			return activities.Verification{Proved: []string{"a revoked token is refused"}}, nil
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
			activity.RecordHeartbeat(ctx, "0 of 1 pods ready")
		}
	}
}

func startWorker(t *testing.T, c client.Client, instead map[string]any) (stop func()) {
	t.Helper()
	w := worker.New(c, "lockstep", worker.Options{MaxHeartbeatThrottleInterval: 50 * time.Millisecond, WorkerStopTimeout: 50 * time.Millisecond})
	workflows.Register(w)
	workflowstest.Register(w, instead)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	temporal := operations.Client{Connection: dial.Connection{Client: c}}
	for end := time.Now().Add(2 * time.Minute); temporal.CheckWorker(t.Context(), config.DefaultCluster) != nil; {
		if time.Now().After(end) {
			t.Fatal("Temporal does not see the worker")
		}
	}
	return w.Stop
}

// eventually tries until the command says text.
func eventually(t *testing.T, text string, args ...string) ran {
	t.Helper()
	var r ran
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if r = lockstep(t.Context(), args...); strings.Contains(r.stdout+r.stderr, text) {
			return r
		}
	}
	t.Fatalf("`lockstep %s` does not say %q but\n%s%s", strings.Join(args, " "), text, r.stdout, r.stderr)
	return r
}

// when does something once a text was written to it.
type when struct {
	written bytes.Buffer // not embedded: its WriteString would go past Write
	text    string
	then    func()
}

func (w *when) Write(p []byte) (int, error) {
	n, err := w.written.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.then()
	}
	return n, err
}

func (w *when) String() string { return w.written.String() }

func TestOperationsFromTheCommandLine(t *testing.T) {
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")

	t.Run("without a worker nothing is started", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "early")).wants(t, exitNoTemporal, `no worker listens on task queue "lockstep"`, "bin/worker")
		lockstep(t.Context(), "status", "early").wants(t, exitBadInput, `no operation on environment "early"`)
	})

	stop := startWorker(t, c, cluster(nil))
	defer func() { stop() }()

	t.Run("a deployment ends with its report", func(t *testing.T) {
		r := lockstep(t.Context(), "deploy", "-f", environment(t, "shop"))
		r.wants(t, exitDone, "Environment shop is deployed", "https://gw.shop.test", "the cluster is old", "Critical path")
		if !strings.Contains(r.stdout, "Environment shop is deployed") || strings.Contains(r.stdout, "preflight        done") {
			t.Errorf("stdout is for the report alone: %q", r.stdout)
		}
		lockstep(t.Context(), "status", "shop").wants(t, exitDone, "deploy shop: done", "✓ verify", "/workflows/environment%2Fshop/")
		lockstep(t.Context(), "watch", "shop").wants(t, exitDone, "Environment shop is deployed")
	})

	t.Run("for machines there is JSON", func(t *testing.T) {
		r := lockstep(t.Context(), "deploy", "-f", environment(t, "shop"), "-o", "json")
		var o outcome
		if err := json.Unmarshal([]byte(r.stdout), &o); err != nil {
			t.Fatalf("%v: %s", err, r.stdout)
		}
		var report activities.Report
		if err := json.Unmarshal(o.Result, &report); err != nil || report.Environment != "shop" {
			t.Errorf("%v: %s", err, o.Result)
		}
		if r.code != exitDone || o.Outcome != "done" || o.Status == nil || len(o.Status.Steps) == 0 {
			t.Errorf("exit code %d, outcome %+v", r.code, o)
		}
	})

	t.Run("verify says what is proved and teardown succeeds", func(t *testing.T) {
		lockstep(t.Context(), "verify", "-f", environment(t, "shop")).wants(t, exitDone, "proved: a revoked token is refused")
		lockstep(t.Context(), "watch", "shop").wants(t, exitDone, "proved: a revoked token is refused")
		lockstep(t.Context(), "teardown", "-f", environment(t, "shop"), "--purge").wants(t, exitDone, "namespace")
	})

	t.Run("what was done is told from Temporal's history", func(t *testing.T) {
		r := lockstep(t.Context(), "logs", "shop")
		r.wants(t, exitDone, "Teardown of shop, run ", "started by ", "done in ")
		lockstep(t.Context(), "logs", "shop", "nonsense").wants(t, exitBadInput, `has no step "nonsense": choose one of`)
		lockstep(t.Context(), "logs", "shop", "--run", "nonsense").wants(t, exitBadInput, `not know operation "nonsense"`)
		lockstep(t.Context(), "logs", "nowhere").wants(t, exitBadInput, `no operation on environment "nowhere"`, "lockstep deploy")
	})

	t.Run("what ran before is listed, newest first", func(t *testing.T) {
		eventually(t, "verify", "history", "shop")
		var all []operations.Operation
		r := eventually(t, `"outcome":"done"}]`, "history", "shop", "-o", "json", "--operation", "deploy")
		if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || len(all) != 2 || all[0].Started.Before(all[1].Started) || all[0].StartedBy == "" {
			t.Errorf("%v: %+v", err, all)
		}
		first := all[1]
		lockstep(t.Context(), "history", "shop").wants(t, exitDone, "STARTED", "OUTCOME", "BY", "teardown", "verify", "deploy", identity(), first.ID)
		lockstep(t.Context(), "logs", "shop", "verify", "--run", first.ID).wants(t, exitDone, "Deploy of shop", "begins")
		if lines := strings.Count(lockstep(t.Context(), "history", "shop", "--limit", "1").stdout, "\n"); lines != 2 {
			t.Errorf("%d lines", lines)
		}
		lockstep(t.Context(), "history", "shop", "--outcome", "terminated").wants(t, exitDone, "no operation on environment \"shop\" matches")
		lockstep(t.Context(), "history", "nowhere").wants(t, exitBadInput, `no operation on environment "nowhere"`, "lockstep deploy")
	})

	t.Run("links lead into the Temporal UI", func(t *testing.T) {
		lockstep(t.Context(), "ui", "shop").wants(t, exitDone, "/workflows/environment%2Fshop/", "/user-metadata")
		lockstep(t.Context(), "ui", "shop", "--history").wants(t, exitDone, "/history")
		lockstep(t.Context(), "ui", "shop", "--list").wants(t, exitDone, "query=Environment")
		lockstep(t.Context(), "ui", "new", "--start", "deploy").wants(t, exitDone, "workflowType=Deploy", `{"environment": "new"}`)
		lockstep(t.Context(), "ui", "new").wants(t, exitBadInput, `no operation on environment "new"`, "lockstep deploy")
	})

	t.Run("a failure is told whole, also afterwards", func(t *testing.T) {
		file := environment(t, "broken")
		whole := "step identity-server failed: " + diagnosis + "\nall that this run did is undone"
		lockstep(t.Context(), "deploy", "-f", file).wants(t, exitRolledBack, "rolled-back: "+whole)
		lockstep(t.Context(), "watch", "broken").wants(t, exitRolledBack, "rolled-back: "+whole)
		lockstep(t.Context(), "status", "broken").wants(t, exitDone, whole, "✗ identity-server")
		lockstep(t.Context(), "logs", "broken").wants(t, exitDone, "WaitWorkload failed: Deployment apim/is is not ready: CrashLoopBackOff\n", "phase compensating",
			"kubectl -n apim logs deployment/is --all-containers")
		r := lockstep(t.Context(), "deploy", "-f", file, "-o", "json")
		var o outcome
		if err := json.Unmarshal([]byte(r.stdout), &o); err != nil || r.code != exitRolledBack || o.Outcome != "rolled-back" || o.Error != whole {
			t.Errorf("exit code %d, %v: %s", r.code, err, r.stdout)
		}
	})

	t.Run("an environment that the worker refuses was not touched", func(t *testing.T) {
		file := environment(t, "refused")
		env := map[string]any{"CheckEnvironment": func(context.Context, struct{}) (struct{}, error) {
			return struct{}{}, temporal.NewNonRetryableApplicationError("hostnames.gateway: taken; choose another", string(failure.InvalidConfig), nil)
		}}
		stop()
		stop = startWorker(t, c, env)
		lockstep(t.Context(), "deploy", "-f", file).wants(t, exitBadInput, "refused: hostnames.gateway: taken; choose another")
		lockstep(t.Context(), "status", "refused").wants(t, exitDone, "deploy refused: refused", "hostnames.gateway: taken; choose another")
		stop()
		stop = startWorker(t, c, cluster(nil))
	})

	t.Run("a busy environment says who holds it", func(t *testing.T) {
		file := environment(t, "slow-shop")
		lockstep(t.Context(), "deploy", "-f", file, "--detach").wants(t, exitDone, "lockstep watch slow-shop")
		lockstep(t.Context(), "teardown", "-f", file).wants(t, exitBusy, `environment "slow-shop" is busy: Deploy has been running since`, " by ", "lockstep cancel slow-shop")
		eventually(t, "0 of 1 pods ready", "status", "slow-shop").wants(t, exitDone, "deploy slow-shop: running", "● identity-server", "waits for identity-server")
		byHand, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "by-hand", TaskQueue: "lockstep"},
			operation.Verify, map[string]any{"environment": map[string]any{"name": "slow-shop"}})
		if err != nil {
			t.Fatal(err)
		}
		if end := operations.End(byHand.Get(t.Context(), nil), nil); code(end) != exitBusy || !strings.Contains(end.Error, "lockstep watch slow-shop") {
			t.Errorf("started by hand: %+v", end)
		}
	})

	t.Run("Ctrl-C leaves the operation alone", func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		var shown when
		shown.text, shown.then = "0 of 1 pods ready", interrupt
		code := run(ctx, []string{"watch", "slow-shop"}, &shown, &shown)
		ran{code: code, stderr: shown.String()}.wants(t, exitDetached, "the operation goes on", "lockstep watch slow-shop", "lockstep cancel slow-shop")
		lockstep(t.Context(), "status", "slow-shop").wants(t, exitDone, "deploy slow-shop: running")
		ctx, interrupt = context.WithCancel(t.Context())
		shown = when{text: "0 of 1 pods ready", then: interrupt}
		if code := run(ctx, []string{"logs", "slow-shop", "--follow"}, &shown, &shown); code != exitDetached {
			t.Errorf("exit code %d: %s", code, shown.String())
		}
	})

	t.Run("a cancelled deployment is undone, and its log followed to the end", func(t *testing.T) {
		cancelled := make(chan ran, 1)
		cancel := sync.OnceFunc(func() { cancelled <- lockstep(t.Context(), "cancel", "slow-shop") })
		log := when{text: "0 of 1 pods ready", then: cancel}
		if code := run(t.Context(), []string{"logs", "slow-shop", "identity-server", "--follow"}, &log, &log); code != exitDone {
			t.Errorf("exit code %d: %s", code, log.String())
		}
		(<-cancelled).wants(t, exitDone, "cancelling", "lockstep watch slow-shop")
		for _, text := range []string{"WaitWorkload is told to stop", "WaitWorkload stopped", "undone"} {
			if !strings.Contains(log.String(), text) || strings.Contains(log.String(), "  image  ") {
				t.Errorf("the log does not say %q, or too much:\n%s", text, log.String())
			}
		}
		lockstep(t.Context(), "watch", "slow-shop").wants(t, exitRolledBack, "rolled-back: cancelled; all that this run did is undone")
		lockstep(t.Context(), "cancel", "slow-shop").wants(t, exitBadInput, "no operation runs", "lockstep status slow-shop")
	})

	t.Run("a terminated operation says that nothing was undone", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "slow-lab"), "-d").wants(t, exitDone)
		if err := c.TerminateWorkflow(t.Context(), workflows.CanonicalID("slow-lab"), "", "a tired hand"); err != nil {
			t.Fatal(err)
		}
		lockstep(t.Context(), "watch", "slow-lab").wants(t, exitFailed, "terminated", "nothing was undone")
		lockstep(t.Context(), "logs", "slow-lab").wants(t, exitDone, "terminated by ", "a tired hand")
		eventually(t, "terminated", "history", "slow-lab", "--outcome", "terminated")
	})

	t.Run("without a worker Temporal alone is asked", func(t *testing.T) {
		lockstep(t.Context(), "deploy", "-f", environment(t, "slow-dev"), "-d").wants(t, exitDone)
		stop()
		stop = func() {}
		lockstep(t.Context(), "status", "slow-dev").wants(t, exitNoTemporal, `Deploy of "slow-dev" has been running since`, "no worker answers", "bin/worker")
		lockstep(t.Context(), "status", "broken").wants(t, exitDone, "deploy broken: rolled-back", diagnosis, "its steps cannot be read")
		lockstep(t.Context(), "logs", "broken").wants(t, exitDone, "the findings of steps cannot be read", "bin/worker", "WaitWorkload failed", diagnosis[:30])
	})
}
