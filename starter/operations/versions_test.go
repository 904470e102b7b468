package operations

import (
	"strings"
	"testing"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/workflows"
)

// poller is a worker of that build of deployment lockstep, or, without one, a worker without a version.
func poller(build string) *taskqueuepb.PollerInfo {
	if build == "" {
		return &taskqueuepb.PollerInfo{}
	}
	return &taskqueuepb.PollerInfo{DeploymentOptions: &deploymentpb.WorkerDeploymentOptions{
		DeploymentName: "lockstep", BuildId: build, WorkerVersioningMode: enumspb.WORKER_VERSIONING_MODE_VERSIONED}}
}

func TestWorkersThatGetNothingAreNotTakenForSomeThatDo(t *testing.T) {
	type listening []string
	for name, test := range map[string]struct {
		current string // build; none if empty
		ramping bool
		listen  listening // builds
		says    string    // nothing if they get what is started
	}{
		"no versions":                       {"", false, listening{""}, ""},
		"the current version":               {"two", false, listening{"one", "two"}, ""},
		"none is current":                   {"", false, listening{"one"}, "no version of worker deployment \"lockstep\" is current, so no operation begins: `temporal worker deployment set-current-version --deployment-name lockstep --build-id one`"},
		"none of two is current":            {"", false, listening{"one", "two", "one"}, "--build-id BUILD` (BUILD is one of one, two)"},
		"none is current, one has none":     {"", false, listening{"one", ""}, ""},
		"only another one listens":          {"two", false, listening{"one", ""}, "operations begin on version lockstep:two, but no worker of that version listens"},
		"only one without a version listen": {"two", false, listening{""}, "start one with its deployment.name"},
		"a version is ramping":              {"two", true, listening{"three"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := &workflowservice.DescribeTaskQueueResponse{VersioningInfo: &taskqueuepb.TaskQueueVersioningInfo{}}
			if test.current != "" {
				d.VersioningInfo.CurrentDeploymentVersion = &deploymentpb.WorkerDeploymentVersion{DeploymentName: "lockstep", BuildId: test.current}
			}
			if test.ramping {
				d.VersioningInfo.RampingVersionPercentage = 10
			}
			for _, build := range test.listen {
				d.Pollers = append(d.Pollers, poller(build))
			}
			err := routed(d, "lockstep")
			if test.says == "" && err == nil {
				return
			}
			wants(t, err, Unavailable, test.says)
		})
	}
}

// checkVersions tries with the server what [TestWorkersThatGetNothingAreNotTakenForSomeThatDo] takes for granted of its answers.
func checkVersions(t *testing.T, c Client) {
	c.Clusters = on(t, "versioned")
	w := worker.New(c.Client, "versioned", worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: "trial", BuildID: "one"}, DefaultVersioningBehavior: workflow.VersioningBehaviorPinned}})
	workflows.Register(w)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	says := eventually(t, func() (string, bool) {
		err := c.CheckWorker(t.Context(), config.DefaultCluster)
		if err == nil {
			return "", true
		}
		text := err.Error()
		return text, text != "" && !strings.Contains(text, "no worker listens")
	})
	if !strings.Contains(says, `no version of worker deployment "trial" is current`) {
		t.Errorf("before a version is current: %q", says)
	}
	eventually(t, func() (error, bool) {
		_, err := c.WorkerDeploymentClient().GetHandle("trial").SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "one"})
		return err, err == nil
	})
	eventually(t, func() (error, bool) {
		err := c.CheckWorker(t.Context(), config.DefaultCluster)
		return err, err == nil
	})
}
