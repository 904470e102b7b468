package operations

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/workflows"
)

// clustersTimeout is how long a worker may take to say which clusters it serves: it waits ten seconds for each, at once.
const clustersTimeout = 30 * time.Second

// Cluster is one as the workers say.
type Cluster struct {
	activities.DescribedCluster
	TaskQueue string `json:"taskQueue"`
	Workers   int    `json:"workers"` // that listen on the task queue
}

// ListClusters asks the workers of all task queues that are known: those of this machine's cluster files, and those that workers name. What
// cannot be known is said of each cluster.
func (c Client) ListClusters(ctx context.Context) ([]Cluster, error) {
	waiting := map[string][]string{} // clusters by task queue
	for _, one := range c.Clusters.All() {
		waiting[one.TaskQueue] = append(waiting[one.TaskQueue], string(one.Name))
	}
	asked := map[string]bool{}
	found := map[string]Cluster{}
	for len(waiting) > 0 {
		queue := slices.Min(slices.Collect(maps.Keys(waiting)))
		names := waiting[queue]
		delete(waiting, queue)
		asked[queue] = true
		described, workers, silent, err := c.askQueue(ctx, queue)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			why := "no worker of task queue " + queue + " serves it"
			if silent != nil {
				why = silent.Error()
			}
			found[name] = Cluster{activities.DescribedCluster{Name: name, Unreachable: why}, queue, workers}
		}
		for _, one := range described.Served {
			found[one.Name] = Cluster{one, queue, workers}
		}
		for name, other := range described.Queues {
			if _, known := found[name]; !known && !asked[other] && !slices.Contains(waiting[other], name) {
				waiting[other] = append(waiting[other], name)
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Cluster) int { return strings.Compare(a.Name, b.Name) }), nil
}

// askQueue asks a worker of one task queue, and says how many there are. silent is why none answers; err is Temporal's.
func (c Client) askQueue(ctx context.Context, queue string) (described activities.DescribedClusters, workers int, silent, err error) {
	if silent = c.CheckQueue(ctx, queue); silent != nil {
		_, err = c.CheckHealth(ctx, &client.CheckHealthRequest{})
		if err != nil {
			err = silent
		}
		return described, 0, silent, err
	}
	d, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return described, 0, nil, away(err, "asking Temporal for the workers of task queue %q", queue)
	}
	seen := map[string]bool{}
	for _, poller := range d.GetPollers() {
		seen[poller.GetIdentity()] = true
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.ClustersID(queue), TaskQueue: queue, WorkflowExecutionTimeout: clustersTimeout,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, StaticSummary: "clusters of task queue " + queue,
	}, workflows.TypeClusters)
	if err != nil {
		return described, len(seen), nil, away(err, "asking the workers of task queue %q for their clusters", queue)
	}
	var late *temporal.TimeoutError
	switch err := run.Get(ctx, &described); {
	case errors.As(err, &late):
		silent = unavailable("no worker of task queue %q answered within %s: a worker may be of an earlier version, or stuck; look at its log", queue, clustersTimeout)
	case err != nil:
		silent = unavailable("asking the workers of task queue %q for their clusters: %w", queue, err)
	}
	return described, len(seen), silent, nil
}
