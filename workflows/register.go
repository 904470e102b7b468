// Package workflows is the durable orchestration: operations on an environment, their steps, compensation and progress.
package workflows

import "go.temporal.io/sdk/worker"

// Names of the workflow types, one per operation.
const (
	OperationDeploy   = "Deploy"
	OperationVerify   = "Verify"
	OperationTeardown = "Teardown"
	OperationRebuild  = "Rebuild"
	OperationDrift    = "Drift"
	OperationRotate   = "Rotate"
)

// Register registers all operations with a worker.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflow(Deploy)
	r.RegisterWorkflow(Verify)
	r.RegisterWorkflow(Teardown)
	r.RegisterWorkflow(Rebuild)
	r.RegisterWorkflow(Drift)
	r.RegisterWorkflow(Rotate)
	r.RegisterWorkflow(Scheduled)
}

// TakesDecisions says whether operations of that type pause and await approvals.
func TakesDecisions(operation string) bool {
	return operation == OperationDeploy || operation == OperationRebuild || operation == OperationRotate
}
