// Package workflows is the durable orchestration: operations on an environment, their steps, compensation and progress.
package workflows

import "go.temporal.io/sdk/worker"

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
