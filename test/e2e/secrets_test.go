package e2e

import (
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"lockstep/config/operation"
	"lockstep/test/world"
)

// testSecrets looks for the environment's secrets in whatever is not a Secret.
func testSecrets(t *testing.T, w *world.World) {
	w.Deployed(t)
	w.LearnSecrets(t)
	if logs := len(w.Logs(t)); logs < 5 { // the worker, the node and what runs
		t.Errorf("only %d logs were found", logs)
	}
	if places := w.SecretsStaySecret(t); places < 500 {
		t.Errorf("%d places are too few to be all of them", places)
	}
}

// testHistory holds the largest deployment so far against the limits: one that began from nothing is among them.
func testHistory(t *testing.T, w *world.World) {
	const mostEvents, mostBytes = 400, 256 << 10
	list, err := w.Temporal.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	deployments := 0
	for _, info := range list.GetExecutions() {
		if info.GetType().GetName() != operation.Deploy {
			continue
		}
		deployments++
		size := 0
		events := w.History(t, info.GetExecution())
		for _, event := range events {
			size += proto.Size(event)
		}
		t.Logf("a deployment that ended %s: %d events, %d KiB", info.GetStatus(), len(events), size>>10)
		if len(events) > mostEvents || size > mostBytes {
			t.Errorf("run %s has more than %d events or %d KiB", info.GetExecution().GetRunId(), mostEvents, mostBytes>>10)
		}
	}
	if deployments == 0 {
		w.Deployed(t)
		testHistory(t, w)
	}
}
