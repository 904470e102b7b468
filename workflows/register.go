// Package workflows is the durable orchestration: operations on an environment, their steps, compensation and progress.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/workflows/call"
)

// all are the workflows: one for each operation of package operation, and the one that schedules start.
func all() []any {
	return []any{Deploy, Verify, Drift, Teardown, Rebuild, Rotate, Scheduled}
}

// Register registers all workflows with a worker.
func Register(r worker.WorkflowRegistry) {
	for _, w := range all() {
		r.RegisterWorkflow(w)
	}
	r.RegisterWorkflow(Clusters)
}

// TypeClusters is the workflow type of [Clusters]. It is no operation: it is about no environment, and changes nothing.
const TypeClusters = "Clusters"

// ClustersID is the workflow id of [Clusters] on a task queue.
func ClustersID(queue string) string { return "clusters/" + queue }

// Clusters asks a worker of a task queue for the clusters that it serves there.
func Clusters(ctx workflow.Context) (activities.DescribedClusters, error) {
	return call.Get[activities.DescribedClusters](ctx, call.Look("look at the clusters"), a.DescribeClusters, struct{}{})
}
