package world

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/test/testbed"
	"lockstep/workflows"
	"lockstep/workflows/board"
)

// File is the environment's file with some fields, as image.base, set to other values. What is the cluster's, as gateway.crds, goes into
// the cluster's file; it holds for operations that begin before the next File.
func File(t testing.TB, changes map[string]any) string {
	t.Helper()
	env := testbed.Environment(t)
	for path, value := range testbed.Divide(t, changes) {
		if err := unstructured.SetNestedField(env, value, strings.Split(path, ".")...); err != nil {
			t.Fatal(err)
		}
	}
	text, err := yaml.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "environment.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Outcome is what deploy -o json prints.
type Outcome struct {
	Outcome string            `json:"outcome"`
	Error   string            `json:"error"`
	Result  activities.Report `json:"result"`
	Status  board.Status      `json:"status"`
}

// Deployed brings the environment of examples/quickstart.yaml there, if it is not.
func (w *World) Deployed(t testing.TB) Outcome {
	t.Helper()
	said := w.Expect(t, Done, "deploy", "-f", File(t, nil), "-o", "json")
	var o Outcome
	if err := json.Unmarshal([]byte(said.Out), &o); err != nil {
		t.Fatalf("%v:\n%s", err, said.Out)
	}
	return o
}

// Absent removes the environment with everything that Lockstep made, if there is any of it.
func (w *World) Absent(t testing.TB) {
	t.Helper()
	if _, found, err := w.Cluster.Get(t.Context(), cluster.Ref{APIVersion: "v1", Kind: "Namespace", Name: Namespace}); err != nil {
		t.Fatal(err)
	} else if found {
		w.Expect(t, Done, "teardown", "--purge", "-f", File(t, nil))
	}
}

// remove purges the environment when the test ends, however that is.
func (w *World) remove(t testing.TB) {
	t.Helper()
	if said := w.Lockstep(t, "teardown", "--purge", "-f", File(t, nil)); said.Code != Done && said.Code != NotThere {
		t.Errorf("The environment is still in the cluster, teardown ends with %d:\n%s%s", said.Code, said.Out, said.Err)
	}
}

// Removed takes the environment down, if it is there, but for its certificates and credentials.
func (w *World) Removed(t testing.TB) {
	t.Helper()
	if len(w.Revisions(t)) > 0 {
		w.Expect(t, Done, "teardown", "-f", File(t, nil))
	}
}

// Run is the run id of the newest operation on the environment, "" if there was none.
func (w *World) Run(t testing.TB) string {
	t.Helper()
	d, err := w.Temporal.DescribeWorkflowExecution(t.Context(), workflows.CanonicalID(Environment), "")
	if err != nil {
		return ""
	}
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// Until waits until a step of the newest operation is in the state.
func (w *World) Until(t testing.TB, step, state string) {
	t.Helper()
	within(t, w.Patience(), "step "+step+" is "+state, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		answer, err := w.Temporal.QueryWorkflow(ctx, workflows.CanonicalID(Environment), "", board.QueryStatus)
		if err != nil {
			return false
		}
		var status board.Status
		if err := answer.Get(&status); err != nil {
			t.Fatal(err)
		}
		for _, s := range status.Steps {
			if s.Name == step {
				return s.State == state
			}
		}
		return false
	})
}

// Eventually waits until something holds, for two minutes at most.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	within(t, 2*time.Minute, what, holds)
}

func within(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(limit); !holds(); {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
