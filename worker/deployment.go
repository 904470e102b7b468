package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep/config/settings"
)

// version is the deployment version of this worker, or that it has none. Operations are pinned: what a version began it ends, and the
// next one need not be able to replay it.
func version(d settings.Deployment) (worker.DeploymentOptions, error) {
	if d.Name == "" {
		return worker.DeploymentOptions{}, nil
	}
	if d.BuildID == "" {
		id, err := ownBuild()
		if err != nil {
			return worker.DeploymentOptions{}, fmt.Errorf("reading the build id of this program: %w; set deployment.buildID (LOCKSTEP_DEPLOYMENT_BUILD_ID)", err)
		}
		d.BuildID = id
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: d.Name, BuildID: d.BuildID},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}, nil
}

// ownBuild names this program by commit and content. The commit alone would be the same for two programs that were built with changes
// of their own, or by other tools.
func ownBuild() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	info, _ := debug.ReadBuildInfo()
	return buildID(info, hex.EncodeToString(sum.Sum(nil))), nil
}

func buildID(info *debug.BuildInfo, checksum string) string {
	const short = 12
	id := checksum[:short]
	if info == nil {
		return id
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= short {
			return setting.Value[:short] + "-" + id
		}
	}
	return id
}

// checkVersioning finds out whether Temporal knows worker deployments: an older server would leave the version aside and give the
// worker the tasks of all. It also finds out whether any version is current: operations do not begin before.
func checkVersioning(ctx context.Context, c client.Client, deployment string) (hasCurrent bool, err error) {
	d, err := c.WorkerDeploymentClient().GetHandle(deployment).Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	var unknown *serviceerror.NotFound
	if err == nil || errors.As(err, &unknown) { // the first worker makes it
		return d.Info.RoutingConfig.CurrentVersion != nil, nil
	}
	return false, fmt.Errorf("looking for worker deployment %q (deployment.name): %w; worker deployments need Temporal server 1.28 or later, "+
		"enabled for the namespace, and a worker with access to them: check that, or leave deployment.name out", deployment, err)
}

// succession says whether a version takes over from the one that is current.
type succession string

const (
	takesOver succession = "takes over"
	isCurrent succession = "is current already"
	isUnknown succession = "is not known to Temporal yet"
	isOlder   succession = "is older than the current one"
	wasRouted succession = "was current before"
	ramping   succession = "may not interfere: a version is ramping"
)

// succeeds decides that. Only a version that is newer than the current one, and has never been current, takes over: pods of an older
// one that start again, or of one that an operator went back from, do not.
func succeeds(d client.WorkerDeploymentInfo, buildID string) succession {
	created := map[string]client.WorkerDeploymentVersionSummary{}
	for _, v := range d.VersionSummaries {
		created[v.Version.BuildID] = v
	}
	own, known := created[buildID]
	current := d.RoutingConfig.CurrentVersion
	switch {
	case current != nil && current.BuildID == buildID:
		return isCurrent
	case !known:
		return isUnknown
	case d.RoutingConfig.RampingVersion != nil:
		return ramping
	case own.DrainageStatus != client.WorkerDeploymentVersionDrainageStatusUnspecified:
		return wasRouted
	case current != nil && !own.CreateTime.After(created[current.BuildID].CreateTime):
		return isOlder
	}
	return takesOver
}

// makeCurrent tries to make a version the current one. It is not done while Temporal does not know the version, with as many polled kinds of
// tasks as the worker polls for: that learns of it from the worker's first polls.
func makeCurrent(ctx context.Context, c client.Client, v worker.WorkerDeploymentVersion, polled int) (found succession, done bool, err error) {
	handle := c.WorkerDeploymentClient().GetHandle(v.DeploymentName)
	d, err := handle.Describe(ctx, client.WorkerDeploymentDescribeOptions{})
	var unknown *serviceerror.NotFound
	if errors.As(err, &unknown) {
		return isUnknown, false, nil
	}
	if err != nil {
		return "", false, err
	}
	found = succeeds(d.Info, v.BuildID)
	if found != takesOver {
		return found, found != isUnknown, nil
	}
	known, err := handle.DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: v.BuildID})
	if err != nil || len(known.Info.TaskQueuesInfos) < polled {
		return isUnknown, false, err
	}
	// With the token, it fails when somebody else was faster.
	_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: v.BuildID, ConflictToken: d.ConflictToken})
	return found, err == nil, err
}

const (
	// tryEvery is how often a worker tries to make its version current.
	tryEvery = 2 * time.Second
	// taskKinds are those that it polls for on each task queue: those of workflows and of activities.
	taskKinds = 2
)

// keepMakingCurrent tries until it is done, or ctx ends. A worker whose version cannot be made current works all the same, on what is
// pinned to it, so that this is logged and no more.
func keepMakingCurrent(ctx context.Context, c client.Client, v worker.WorkerDeploymentVersion, polled int, logger *slog.Logger) {
	said := ""
	for {
		found, done, err := makeCurrent(ctx, c, v, polled)
		switch {
		case ctx.Err() != nil:
			return
		case done && err == nil:
			logger.Info("The version " + string(found))
			return
		case err != nil && err.Error() != said:
			said = err.Error()
			logger.Warn("Cannot make the version current; trying again", "error", err, "next", "temporal worker deployment set-current-version")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tryEvery):
		}
	}
}
