package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"lockstep/activities"
	"lockstep/config/settings"
)

func build(id string, current bool) settings.Settings {
	s := workerSettings()
	s.Deployment = settings.Deployment{Name: "lockstep", BuildID: id, Current: current}
	return s
}

// becomes waits until that build is the current one.
func becomes(t *testing.T, c client.Client, id string) {
	t.Helper()
	until(t, "build "+id+" is current", func() bool { return currentBuild(t, c) == id })
}

func currentBuild(t *testing.T, c client.Client) string {
	t.Helper()
	d, err := c.WorkerDeploymentClient().GetHandle("lockstep").Describe(t.Context(), client.WorkerDeploymentDescribeOptions{})
	if err != nil || d.Info.RoutingConfig.CurrentVersion == nil {
		return ""
	}
	return d.Info.RoutingConfig.CurrentVersion.BuildID
}

// builds are those whose workers carried the workflow on, in that order.
func builds(t *testing.T, c client.Client, id, run string) []string {
	t.Helper()
	var all []string
	for _, e := range history(t, c, id, run) {
		a := e.GetWorkflowTaskCompletedEventAttributes()
		if by := a.GetDeploymentVersion().GetBuildId(); a != nil && (len(all) == 0 || all[len(all)-1] != by) {
			all = append(all, by)
		}
		if a != nil && a.GetVersioningBehavior() != enumspb.VERSIONING_BEHAVIOR_PINNED {
			t.Errorf("event %d of %s: behaviour %s", e.GetEventId(), id, a.GetVersioningBehavior())
		}
	}
	return all
}

func endedOn(t *testing.T, c client.Client, run client.WorkflowRun, want ...string) {
	t.Helper()
	done(t, run)
	if diff := cmp.Diff(want, builds(t, c, run.GetID(), run.GetRunID())); diff != "" {
		t.Errorf("builds of %s (-want +got):\n%s", run.GetID(), diff)
	}
}

// operator runs the command that an operator would.
func operator(t *testing.T, address, command string) {
	t.Helper()
	args := append(strings.Fields(command), "--address", address)
	if out, err := exec.CommandContext(t.Context(), filepath.Join("..", "bin", "temporal"), args...).CombinedOutput(); err != nil {
		t.Fatalf("temporal %s: %v\n%s", command, err, out)
	}
}

// gate is a wait that the test ends, and that only operations on those environments may meet.
func gate(t *testing.T, environments ...string) (wait func(context.Context, activities.WaitInput) error, open func()) {
	t.Helper()
	opened, open := context.WithCancel(context.Background())
	t.Cleanup(open)
	return func(ctx context.Context, in activities.WaitInput) error {
		if !strings.Contains(strings.Join(environments, " "), in.Env.Name) {
			t.Errorf("an operation on %s is here", in.Env.Name)
		}
		select {
		case <-opened.Done():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, open
}

func TestAnOperationEndsOnTheBuildItBeganOn(t *testing.T) {
	c, address := server(t)
	wait, open := gate(t, "begun", "left", "asked")
	a := serve(t, build("a", true), map[string]any{"WaitWorkload": wait})
	becomes(t, c, "a")
	begun, left := deploy(t, c, "begun"), deploy(t, c, "left")
	asked := begin(t, c, "from-the-ui", "asked")
	child := c.GetWorkflow(t.Context(), "environment/asked", "")
	for _, run := range []client.WorkflowRun{begun, left, child} {
		until(t, run.GetID()+" waits for both products", func() bool {
			return pending(t, c, run, "WaitWorkload", enumspb.PENDING_ACTIVITY_STATE_STARTED) == 2
		})
	}

	elsewhere, onB := gate(t, "new", "left")
	onB()
	serve(t, build("b", true), map[string]any{"WaitWorkload": elsewhere})
	becomes(t, c, "b")
	endedOn(t, c, deploy(t, c, "new"), "b")

	// Without its build, an operation waits.
	a.stop(t)
	for _, run := range []client.WorkflowRun{begun, left, child} {
		until(t, run.GetID()+" is handed over", func() bool {
			return pending(t, c, run, "WaitWorkload", enumspb.PENDING_ACTIVITY_STATE_SCHEDULED) == 2
		})
	}
	until(t, "Temporal lists what waits for build a", func() bool {
		n, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "TemporalWorkerDeploymentVersion = 'lockstep:a' AND ExecutionStatus = 'Running'"})
		return err == nil && n.GetCount() == 4 // the child's parent too
	})
	open()
	operator(t, address, "workflow update-options --workflow-id environment/left --versioning-override-behavior pinned "+
		"--versioning-override-deployment-name lockstep --versioning-override-build-id b")
	endedOn(t, c, left, "a", "b")
	if n := pending(t, c, begun, "WaitWorkload", enumspb.PENDING_ACTIVITY_STATE_SCHEDULED); n != 2 {
		t.Errorf("%d of the 2 waits are still for build a", n)
	}

	serve(t, build("a", true), map[string]any{"WaitWorkload": wait})
	endedOn(t, c, begun, "a")
	handedOver(t, c, begun, "WaitWorkload")
	endedOn(t, c, asked, "a")
	endedOn(t, c, child, "a")
	started := history(t, c, child.GetID(), child.GetRunID())[0].GetWorkflowExecutionStartedEventAttributes()
	if by := started.GetInheritedPinnedVersion().GetBuildId(); by != "a" {
		t.Errorf("the child was given build %q", by)
	}
	if by := currentBuild(t, c); by != "b" {
		t.Errorf("build %s is current, since the older one came back", by)
	}
}

func TestWithoutTheSwitchAnOperatorMakesABuildCurrent(t *testing.T) {
	c, address := server(t)
	serve(t, build("a", false), nil)
	run := deploy(t, c, "shop")
	until(t, "Temporal knows the build", func() bool {
		d, err := c.WorkerDeploymentClient().GetHandle("lockstep").Describe(t.Context(), client.WorkerDeploymentDescribeOptions{})
		return err == nil && len(d.Info.VersionSummaries) == 1
	})
	if by := currentBuild(t, c); by != "" {
		t.Errorf("build %q is current", by)
	}
	operator(t, address, "worker deployment set-current-version --deployment-name lockstep --build-id a --yes")
	endedOn(t, c, run, "a")
}

func TestAServerWithoutWorkerDeploymentsIsRefused(t *testing.T) {
	_, address := server(t)
	_, err := checkVersioning(t.Context(), closed(t, address, "default", "DescribeWorkerDeployment"), "lockstep")
	for _, says := range []string{`worker deployment "lockstep"`, "server 1.28 or later", "leave deployment.name out"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q in %v", says, err)
		}
	}
}

func TestOnlyANewBuildTakesOver(t *testing.T) {
	at := time.Now()
	summary := func(id string, age time.Duration, status client.WorkerDeploymentVersionDrainageStatus) client.WorkerDeploymentVersionSummary {
		return client.WorkerDeploymentVersionSummary{Version: worker.WorkerDeploymentVersion{DeploymentName: "lockstep", BuildID: id}, CreateTime: at.Add(-age), DrainageStatus: status}
	}
	version := func(id string) *worker.WorkerDeploymentVersion {
		return &worker.WorkerDeploymentVersion{DeploymentName: "lockstep", BuildID: id}
	}
	versions := []client.WorkerDeploymentVersionSummary{
		summary("never-used", 3*time.Hour, client.WorkerDeploymentVersionDrainageStatusUnspecified),
		summary("now", 2*time.Hour, client.WorkerDeploymentVersionDrainageStatusUnspecified),
		summary("went-back-from", time.Hour, client.WorkerDeploymentVersionDrainageStatusDrained),
		summary("new", 0, client.WorkerDeploymentVersionDrainageStatusUnspecified),
	}
	for _, c := range []struct {
		holds, build string
		routing      client.WorkerDeploymentRoutingConfig
		want         succession
	}{
		{"the first", "new", client.WorkerDeploymentRoutingConfig{}, takesOver},
		{"a newer one", "new", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now")}, takesOver},
		{"the current one", "now", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now")}, isCurrent},
		{"an older one that starts again", "never-used", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now")}, isOlder},
		{"one that an operator went back from", "went-back-from", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now")}, wasRouted},
		{"one that has not polled yet", "other", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now")}, isUnknown},
		{"one beside a ramp", "new", client.WorkerDeploymentRoutingConfig{CurrentVersion: version("now"), RampingVersion: version("never-used")}, ramping},
	} {
		t.Run(c.holds, func(t *testing.T) {
			if got := succeeds(client.WorkerDeploymentInfo{VersionSummaries: versions, RoutingConfig: c.routing}, c.build); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestABuildIsNamedByCommitAndContent(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	commit := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "fedcba9876543210"}, {Key: "vcs.modified", Value: "true"}}}
	for want, info := range map[string]*debug.BuildInfo{"fedcba987654-0123456789ab": commit, "0123456789ab": {}} {
		if got := buildID(info, sum); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	own, err := version(settings.Deployment{Name: "lockstep"})
	again, errAgain := version(settings.Deployment{Name: "lockstep"})
	if err := errors.Join(err, errAgain); err != nil || own != again || len(own.Version.BuildID) < 12 {
		t.Errorf("got %+v, then %+v: %v", own, again, err)
	}
	if off, err := version(settings.Deployment{}); err != nil || off.UseVersioning {
		t.Errorf("without a name: %+v, %v", off, err)
	}
}
