package workflows

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/workflowstest"
)

// changing are the beginnings of the names of activities that change something.
var changing = []string{"Apply", "Ensure", "Build", "Register", "Remove", "Restore", "Undo", "Settle", "Rotate", "Verify"}

func TestDriftChangesNothingAndEndsDoneWhereNothingDiffers(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.ExecuteWorkflow(Drift, DriftInput{Request: Of(quickstart(t))})
	var report DriftReport
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if report.Drifted || len(report.Items) > 0 || report.Items == nil {
		t.Errorf("got %+v", report)
	}
	for _, b := range o.begun {
		for _, word := range changing {
			if strings.HasPrefix(b.name, word) {
				t.Errorf("began %s", b)
			}
		}
	}
	if s := o.board(); s.Outcome != board.OutcomeDone || s.Operation != "drift" {
		t.Errorf("board: %s %s", s.Operation, s.Outcome)
	}
}

func TestDriftListsWhatDiffersInTheOrderOfADeploymentWithTheNextMove(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("DriftKeyManager", 0, func(context.Context, activities.Input) ([]drift.Item, error) {
		return nil, call.Failed(failure.NotReady, "API Manager does not answer")
	})
	o.on("DriftKeys", 0, func(context.Context, activities.Input) ([]drift.Item, error) {
		return []drift.Item{{Object: "the environment's CA", Is: "its certificate expires soon", Next: "replace it"}}, nil
	})
	o.on("DriftRelease", 0, func(_ context.Context, in activities.ApplyReleaseInput) ([]drift.Item, error) {
		if in.Component != component.APIManager {
			return nil, nil
		}
		return []drift.Item{{Object: "Deployment apim/x", Field: "spec.replicas", Wants: "1", Is: "0"}}, nil
	})
	o.ExecuteWorkflow(Drift, DriftInput{Request: Of(quickstart(t))})
	var report DriftReport
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, item := range report.Items {
		said = append(said, item.Component+": "+item.Next)
	}
	want := []string{"certificates: replace it", "api-manager: " + mends, "key-manager: " + mends}
	if diff := cmp.Diff(want, said); diff != "" || !report.Drifted {
		t.Errorf("drifted %v\n%s", report.Drifted, diff)
	}
	if s := o.board(); s.Outcome != board.OutcomeDrifted || rowOf(s, component.APIManager).Note != "1 difference" {
		t.Errorf("board: %s", s.Outcome)
	}
}

func TestWhatIsNotDeployedHasDrifted(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, func(context.Context, activities.Input) (activities.Remains, error) {
		return activities.Remains{}, call.Failed(failure.NotFound, "there is nothing")
	})
	o.ExecuteWorkflow(Drift, DriftInput{Request: Of(quickstart(t))})
	var report DriftReport
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if len(report.Items) != 1 || !strings.Contains(report.Items[0].Next, "lockstep deploy") || len(o.begun) != 2 {
		t.Errorf("got %+v after %v", report, o.begun)
	}
}

// The chart's own values may say that somebody else brings the CRDs.
func TestDriftOfTheGatewayKnowsTheValuesOfItsChart(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Routing.Values = config.Values{"crds": map[string]any{"enabled": false}}
	o.on("CheckEnvironment", 0, func(context.Context, activities.CheckInput) (config.Environment, error) { return env, nil })
	o.on("Survey", 0, survey)
	o.on("DriftObjects", 0, func(_ context.Context, in activities.SnapshotInput) ([]drift.Item, error) {
		if in.Set == objects.Gateway && in.Env.Routing.BringsCRDs() {
			return nil, call.Failed(failure.Conflict, "compared CRDs that the chart does not bring")
		}
		return nil, nil
	})
	o.ExecuteWorkflow(Drift, DriftInput{Request: Of(env)})
	if err := o.GetWorkflowError(); err != nil {
		t.Error(err)
	}
}

func TestDriftThatCannotCompareEverythingFailsAndSaysWhatItFound(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Survey", 0, survey)
	o.on("DriftImage", 0, func(context.Context, activities.Input) (activities.Images, error) {
		return activities.Images{}, call.Failed(failure.Unauthorized, "the registry wants a password")
	})
	o.on("DriftObjects", 0, func(_ context.Context, in activities.SnapshotInput) ([]drift.Item, error) {
		return []drift.Item{{Object: "HTTPRoute apim/is", Wants: drift.There, Is: drift.Missing}}, nil
	})
	o.ExecuteWorkflow(Drift, DriftInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	for _, text := range []string{"nothing was changed", "image: the registry wants a password", "api-manager: not compared", "routes: HTTPRoute apim/is is missing"} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
	if workflowstest.TypeOf(err) != board.TypeFailed {
		t.Errorf("type %s", workflowstest.TypeOf(err))
	}
}
