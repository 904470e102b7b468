package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"lockstep/activities"
	"lockstep/config/operation"
	"lockstep/starter/schedules"
	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/workflowstest"
)

const nightly = `schedules:
  - {name: nightly, operation: verify, cron: "0 2 * * MON-FRI", timeZone: Europe/Berlin, jitter: 10m, options: {level: token}}
  - {operation: deploy, every: 6h}
`

func TestSchedulesFromTheCommandLine(t *testing.T) {
	c, _ := workflowstest.Server(t)
	lockstep(t.Context(), "setup").wants(t, exitDone, "registered Environment, Operation, Outcome, Phase")
	lockstep(t.Context(), "setup").wants(t, exitDone, "has all search attributes already")
	does := cluster(make(chan struct{}))
	does["FindHolder"] = (&activities.Activities{}).FindHolder
	defer startWorker(t, c, does)()

	t.Run("what is wrong with a file is said before Temporal hears of it", func(t *testing.T) {
		lockstep(t.Context(), "schedule", "apply", "-f", environment(t, "shop", `schedules: [{operation: verify, cron: "0 25 * * *"}]`)).
			wants(t, exitBadInput, `schedules[0].cron (line 5) "0 25 * * *": has a wrong hour: "25" is not from 0 to 23`)
	})

	t.Run("apply makes, keeps, changes and removes", func(t *testing.T) {
		file := environment(t, "shop", nightly)
		lockstep(t.Context(), "schedule", "apply", "-f", file, "--dry-run").wants(t, exitDone, "create     nightly", "create     deploy", "nothing was changed")
		lockstep(t.Context(), "schedule", "describe", "shop", "nightly").wants(t, exitBadInput, `environment "shop" has no schedule "nightly": it has none`)
		lockstep(t.Context(), "schedule", "apply", "-f", file).wants(t, exitDone, "create     nightly", "create     deploy")
		lockstep(t.Context(), "schedule", "apply", "-f", file).wants(t, exitDone, "unchanged  nightly", "unchanged  deploy")
		eventually(t, "nightly  verify", "schedule", "list", "shop")
		lockstep(t.Context(), "schedule", "describe", "shop", "nigtly").wants(t, exitBadInput, "there are deploy, nightly")

		lockstep(t.Context(), "schedule", "pause", "shop", "nightly", "--reason", "release week").wants(t, exitDone, "lockstep schedule resume shop nightly")
		changed := environment(t, "shop", strings.Replace(strings.Split(nightly, "  - {operation: deploy")[0], "0 2 * *", "30 3 * *", 1))
		lockstep(t.Context(), "schedule", "apply", "-f", changed, "--dry-run").wants(t, exitDone, "cron: 0 2 * * MON-FRI -> 30 3 * * MON-FRI", "delete     deploy")
		lockstep(t.Context(), "schedule", "apply", "-f", changed).wants(t, exitDone, "update     nightly", "delete     deploy")
		lockstep(t.Context(), "schedule", "apply", "-f", changed).wants(t, exitDone, "unchanged  nightly")
		lockstep(t.Context(), "schedule", "describe", "shop", "nightly").wants(t, exitDone, "verify of shop, 30 3 * * MON-FRI Europe/Berlin +10m", "level: token", "paused: paused by ", "release week")
		lockstep(t.Context(), "schedule", "resume", "shop", "nightly").wants(t, exitDone, "is resumed")
		lockstep(t.Context(), "schedule", "describe", "shop", "nightly").wants(t, exitDone, "next   ")
		lockstep(t.Context(), "schedule", "delete", "shop", "nightly").wants(t, exitDone, "is deleted")
	})

	t.Run("a schedule is on the task queue that the cluster's file says, from whatever shell it is applied", func(t *testing.T) {
		queue := func(want string) {
			t.Helper()
			d, err := c.ScheduleClient().GetHandle(t.Context(), schedules.ID("far", "nightly")).Describe(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Schedule.Action.(*client.ScheduleWorkflowAction).TaskQueue; got != want {
				t.Errorf("it is on task queue %q, not %q", got, want)
			}
		}
		files := t.TempDir()
		for name, text := range map[string]string{"prod": "taskQueue: eu", "us": ""} {
			text = "apiVersion: lockstep/v1\nkind: Cluster\nname: " + name + "\nkubeconfig: " + name + ".kubeconfig\n" + text
			if err := os.WriteFile(filepath.Join(files, name+".yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		far := func(cluster string) string {
			return environment(t, "far", "cluster: "+cluster+"\n", strings.Split(nightly, "  - {operation: deploy")[0])
		}
		lockstep(t.Context(), "schedule", "apply", "-f", far("prod"), "--clusters", files, "--task-queue", "mine").wants(t, exitDone, "create     nightly")
		queue("eu")
		lockstep(t.Context(), "schedule", "apply", "-f", far("prod"), "--task-queue", "other").wants(t, exitDone, "unchanged  nightly")
		queue("eu")
		lockstep(t.Context(), "schedule", "apply", "-f", far("us")).wants(t, exitDone, "task queue: eu -> lockstep-us")
		lockstep(t.Context(), "schedule", "apply", "-f", far("prod"), "--clusters", files).wants(t, exitDone, "task queue: lockstep-us -> eu")
		queue("eu")
		lockstep(t.Context(), "schedule", "apply", "-f", far("default"), "--task-queue", "other").wants(t, exitDone, "task queue: eu -> other")
		lockstep(t.Context(), "schedule", "apply", "-f", far("default"), "--task-queue", "nobody's").wants(t, exitDone, "unchanged  nightly")
		queue("other") // where no worker listens on either, nothing is known to be better
		lockstep(t.Context(), "schedule", "apply", "-f", far("default")).wants(t, exitDone, "task queue: other -> lockstep")
		lockstep(t.Context(), "schedule", "apply", "-f", far("default"), "--task-queue", "other").wants(t, exitDone, "unchanged  nightly")
		queue("lockstep")

		forgetCluster(t, c, schedules.ID("far", "nightly"))
		lockstep(t.Context(), "schedule", "apply", "-f", far("default"), "--task-queue", "other").wants(t, exitDone, "update     nightly", "cluster: not written down -> default")
		lockstep(t.Context(), "schedule", "apply", "-f", far("default"), "--task-queue", "other").wants(t, exitDone, "unchanged  nightly")
		queue("lockstep") // where it was: no file says otherwise
		lockstep(t.Context(), "schedule", "apply", "-f", far("us")).wants(t, exitDone, "task queue: lockstep -> lockstep-us", "cluster: default -> us")
	})

	t.Run("another's schedule is left alone", func(t *testing.T) {
		_, err := c.ScheduleClient().Create(t.Context(), client.ScheduleOptions{ID: schedules.ID("theirs", "nightly"), Spec: client.ScheduleSpec{CronExpressions: []string{"0 2 * * *"}},
			Action: &client.ScheduleWorkflowAction{Workflow: "Theirs", TaskQueue: "theirs"}})
		if err != nil {
			t.Fatal(err)
		}
		lockstep(t.Context(), "schedule", "apply", "-f", environment(t, "theirs", nightly)).wants(t, exitDone, "foreign    nightly", "create     deploy")
		lockstep(t.Context(), "schedule", "delete", "theirs", "nightly").wants(t, exitBadInput, "Lockstep did not make")
	})

	t.Run("what is triggered runs, is skipped where another runs, and pauses the schedule if it fails", func(t *testing.T) {
		lockstep(t.Context(), "schedule", "apply", "-f", environment(t, "absent", nightly)).wants(t, exitDone)
		holds, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.CanonicalID("absent"), TaskQueue: "nobody"}, operation.Deploy)
		if err != nil {
			t.Fatal(err)
		}
		lockstep(t.Context(), "schedule", "trigger", "absent", "nightly").wants(t, exitDone, "lockstep schedule describe absent nightly")
		eventually(t, `skipped  environment "absent" is busy: Deploy has been running since`, "schedule", "describe", "absent", "nightly")
		if s := described(t, "absent", "nightly"); s.Paused || len(s.Last) != 1 || s.Last[0].Outcome != board.OutcomeSkipped {
			t.Errorf("%+v", s)
		}
		if err := c.TerminateWorkflow(t.Context(), holds.GetID(), "", "enough"); err != nil {
			t.Fatal(err)
		}
		// Nobody has put the environment's file where the worker looks.
		lockstep(t.Context(), "schedule", "trigger", "absent", "nightly").wants(t, exitDone)
		eventually(t, "paused: paused because the run of", "schedule", "describe", "absent", "nightly").wants(t, exitDone, "no folder of environments is set")
		if s := described(t, "absent", "nightly"); !s.Paused || s.Last[0].Outcome != board.OutcomeRefused {
			t.Errorf("%+v", s)
		}
	})
}

func described(t *testing.T, environment, name string) (s schedules.Schedule) {
	t.Helper()
	r := lockstep(t.Context(), "schedule", "describe", environment, name, "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		t.Fatalf("%v: %s%s", err, r.stdout, r.stderr)
	}
	return s
}

// forgetCluster makes a schedule one of an earlier version, which did not write down for which cluster it is.
func forgetCluster(t *testing.T, c client.Client, id string) {
	t.Helper()
	d, err := c.WorkflowService().DescribeSchedule(t.Context(), &workflowservice.DescribeScheduleRequest{Namespace: client.DefaultNamespace, ScheduleId: id})
	if err != nil {
		t.Fatal(err)
	}
	delete(d.GetSchedule().GetAction().GetStartWorkflow().GetMemo().GetFields(), "cluster")
	if _, err := c.WorkflowService().UpdateSchedule(t.Context(), &workflowservice.UpdateScheduleRequest{Namespace: client.DefaultNamespace, ScheduleId: id,
		Schedule: d.GetSchedule(), Identity: "test", RequestId: id}); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		d, err := c.WorkflowService().DescribeSchedule(t.Context(), &workflowservice.DescribeScheduleRequest{Namespace: client.DefaultNamespace, ScheduleId: id})
		if err == nil && d.GetSchedule().GetAction().GetStartWorkflow().GetMemo().GetFields()["cluster"] == nil {
			return
		}
	}
	t.Fatal("Temporal did not take the change")
}
