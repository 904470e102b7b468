package operations

import (
	"slices"
	"strings"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// routed fails if workers listen, but none of them is of the version that operations begin on. They would wait, and not say why.
func routed(d *workflowservice.DescribeTaskQueueResponse, queue string) error {
	current := d.GetVersioningInfo().GetCurrentDeploymentVersion()
	deployment, builds := current.GetDeploymentName(), []string(nil)
	unversioned := false
	for _, p := range d.GetPollers() {
		o := p.GetDeploymentOptions()
		switch {
		case o.GetWorkerVersioningMode() != enumspb.WORKER_VERSIONING_MODE_VERSIONED:
			unversioned = true
		case current == nil || o.GetDeploymentName() == deployment:
			deployment = o.GetDeploymentName()
			builds = append(builds, o.GetBuildId())
		}
	}
	slices.Sort(builds)
	builds = slices.Compact(builds)
	switch {
	case d.GetVersioningInfo().GetRampingVersionPercentage() > 0: // where an operation begins is not certain then
		return nil
	case current == nil && unversioned, slices.Contains(builds, current.GetBuildId()):
		return nil
	case current == nil:
		return unavailable("workers listen on task queue %q, but no version of worker deployment %q is current, so no operation begins: %s",
			queue, deployment, makeCurrent(deployment, builds))
	case len(builds) == 0:
		return unavailable("operations begin on version %s, but no worker of that version listens on task queue %q: start one with its deployment.name and deployment.buildID",
			versionOf(current), queue)
	}
	return unavailable("operations begin on version %s, but no worker of that version listens on task queue %q: start one, or make a version with running workers current: %s",
		versionOf(current), queue, makeCurrent(deployment, builds))
}

func versionOf(v *deploymentpb.WorkerDeploymentVersion) string {
	return v.GetDeploymentName() + ":" + v.GetBuildId()
}

// makeCurrent is the command that does that, with the version if there is no choice.
func makeCurrent(deployment string, builds []string) string {
	build, choice := builds[0], ""
	if len(builds) > 1 {
		build, choice = "BUILD", " (BUILD is one of "+strings.Join(builds, ", ")+")"
	}
	return "`temporal worker deployment set-current-version --deployment-name " + deployment + " --build-id " + build + "`" + choice
}
