package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/workflows/call"
)

// TypeClusters is the workflow type of [Clusters]. It is no operation: it is about no environment, and changes nothing.
const TypeClusters = "Clusters"

// ClustersID is the workflow id of [Clusters] on a task queue.
func ClustersID(queue string) string { return "clusters/" + queue }

// Clusters asks a worker of a task queue for the clusters that it serves there.
func Clusters(ctx workflow.Context) (activities.DescribedClusters, error) {
	return call.Get[activities.DescribedClusters](ctx, call.Look("look at the clusters"), a.DescribeClusters, struct{}{})
}
