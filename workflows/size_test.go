package workflows

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lockstep/activities"
	"lockstep/config/environments"
	"lockstep/internal/apim"
	"lockstep/internal/cluster"
	"lockstep/internal/objects"
	"lockstep/workflows/workflowstest"
)

// The Temporal UI and a worker that takes an operation over read the whole history.
const (
	mostEvents = 400
	mostBytes  = 256 << 10
)

func TestTheHistoryOfADeploymentStaysSmall(t *testing.T) {
	c, _ := workflowstest.Server(t, "Environment", "Operation", "Phase", "Outcome")
	startWorker(t, c, talkative(stage(c)))
	production, err := environments.Load("../examples/production.yaml") // with many chart values
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recordings() {
		if !slices.Contains([]string{"deploy-done", "deploy-failed", "deploy-impatient-changed", "rebuild-done", "rebuild-failed", "rotate-failed"}, r.file) {
			continue
		}
		t.Run(r.file, func(t *testing.T) {
			run := r.play(t, c, production)
			d, err := c.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
			if err != nil {
				t.Fatal(err)
			}
			events, bytes := d.GetWorkflowExecutionInfo().GetHistoryLength(), d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
			t.Logf("%d events, %d KiB", events, bytes>>10)
			if events > mostEvents || bytes > mostBytes {
				t.Errorf("%d events and %d bytes, want at most %d and %d", events, bytes, mostEvents, mostBytes)
			}
		})
	}
}

// talkative has activities answer as much as they do of an environment that is there already.
func talkative(does map[string]any) map[string]any {
	manifest := json.RawMessage(`{"spec":"` + strings.Repeat("listeners and rules, as the API server gives them; ", 60) + `"}`)
	does["Snapshot"] = func(_ context.Context, in activities.SnapshotInput) ([]cluster.Snapshot, error) {
		if in.Set != objects.Gateway && in.Set != objects.Routes {
			return make([]cluster.Snapshot, 5), nil // of Secrets only the names are kept
		}
		return []cluster.Snapshot{{Exists: true, Object: manifest}, {Exists: true, Object: manifest}, {Exists: true, Object: manifest}}, nil
	}
	does["LookCRDs"] = func(context.Context, activities.Input) ([]string, error) {
		return strings.Fields(strings.Repeat("backendtrafficpolicies.gateway.envoyproxy.io ", 25)), nil
	}
	does["LookKeyManager"] = func(context.Context, activities.Input) (activities.KeyManagerState, error) {
		return activities.KeyManagerState{Exists: true, Manager: apim.KeyManager{"additionalProperties": strings.Repeat("endpoints and claims; ", 150)}}, nil
	}
	does["CollectReport"] = func(_ context.Context, in activities.ReportInput) (activities.Report, error) {
		return activities.Report{Environment: in.Env.Name, Hosts: strings.Repeat("addresses, certificates and versions; ", 80)}, nil
	}
	return does
}
