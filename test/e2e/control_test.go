package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"
	"sigs.k8s.io/yaml"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/sandbox/fault"
	"lockstep/test/world"
	"lockstep/workflows"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
)

// decisions are what operators decide while a deployment waits for them. The first wants no environment there.
func decisions() []scenario {
	return []scenario{
		{"a paused step is tried again in a changed file, and whatever is wrong with a decision is refused", testRetry},
		{"a paused verification is skipped, which the report says", testSkip},
		{"a paused deployment is rolled back", testRollback},
		{"a pause that nobody ends is rolled back", testPatience},
		{"a paused deployment is cancelled, and undone", testCancelledPause},
		{"a step that awaits its approval begins with it, and who gave it is reported", testApproval},
		{"a step that nobody approves does not begin", testNoApproval},
		{"a second cancellation does not abandon the compensation", testSecondCancel},
	}
}

// pausing is a file whose failures pause.
func pausing(t *testing.T, changes map[string]any) string {
	t.Helper()
	all := map[string]any{"onFailure": "pause"}
	for path, value := range changes {
		all[path] = value
	}
	return world.File(t, all)
}

// unpublished keeps verifications from publishing an API until the test ends.
func unpublished(t *testing.T, w *world.World) {
	t.Helper()
	w.Fault(t, fault.Fault{ID: t.Name(), Server: fault.APIManager, Method: "POST", Path: "/change-lifecycle", Status: 400})
	t.Cleanup(func() { w.Fault(t) })
}

func testRetry(t *testing.T, w *world.World) {
	w.Absent(t)
	deploy := w.Begin(t, "deploy", "-o", "json", "-f", pausing(t, crashing()))
	w.Until(t, "api-manager", board.StatePaused)
	w.Until(t, "identity-server", board.StateDone)
	w.Until(t, "gateway", board.StateDone)
	before, versions := status(t, w), w.Versions(t)

	refusals(t, w)
	w.Expect(t, world.Busy, "verify", "-f", world.File(t, nil)).Says(t, "Deploy has been running since", "lockstep cancel quickstart")
	w.Expect(t, world.Busy, "teardown", "-f", world.File(t, nil)).Says(t, "Deploy has been running since")
	if diff := cmp.Diff(before, status(t, w)); diff != "" {
		t.Errorf("what was refused changed the operation:\n%s", diff)
	}
	if diff := cmp.Diff(versions, w.Versions(t)); diff != "" {
		t.Errorf("what was refused changed the cluster:\n%s", diff)
	}

	w.Expect(t, world.Done, "retry", world.Environment, "-f", pausing(t, nil), "--by", "oncall", "--reason", "wrong user store").Says(t, "carried out again")
	said := deploy.End(t)
	if said.Code != world.Done {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	decisions := outcome(t, said).Result.Decisions
	if len(decisions) != 1 || decisions[0].What != decision.UpdateRetry || decisions[0].By != "oncall" || decisions[0].Reason != "wrong user store" || !decisions[0].Changed {
		t.Errorf("the report says of decisions: %+v", decisions)
	}
	w.EverythingIsThere(t)
	w.NothingOfVerification(t)
}

// refusals sends decisions that make no sense while api-manager is paused.
func refusals(t *testing.T, w *world.World) {
	t.Helper()
	for _, c := range []struct {
		why    string
		update string
		input  any
		says   string
	}{
		{"an unknown step", decision.UpdateRetry, decision.RetryStep{Step: "coffee"}, `no step "coffee"`},
		{"a step that is not paused", decision.UpdateRetry, decision.RetryStep{Step: "identity-server"}, "identity-server is done"},
		{"a step that is needed", decision.UpdateSkip, decision.SkipStep{Step: "api-manager", By: "oncall", Reason: "why not"}, "cannot be skipped"},
		{"an approval that nobody awaits", decision.UpdateApprove, decision.Approve{Step: "api-manager", By: "oncall", Reason: "why not"}, "no step awaits its approval"},
		{"an invalid file", decision.UpdateRetry, changed(t, map[string]any{"hostnames.gateway": "am.lockstep.test"}), "hostnames.gateway"},
		{"a field that must stay", decision.UpdateRetry, changed(t, map[string]any{"namespace": "elsewhere"}), "namespace"},
	} {
		handle, err := w.Temporal.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: workflows.CanonicalID(world.Environment), UpdateName: c.update, Args: []any{c.input}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err == nil {
			err = handle.Get(t.Context(), nil)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.why, err, c.says)
		}
	}
}

func changed(t *testing.T, changes map[string]any) decision.RetryStep {
	t.Helper()
	text, err := os.ReadFile(pausing(t, changes))
	if err != nil {
		t.Fatal(err)
	}
	var env config.Environment
	if err := json.Unmarshal(toJSON(t, text), &env); err != nil {
		t.Fatal(err)
	}
	reference := environments.Inline(env)
	return decision.RetryStep{Environment: &reference}
}

func testSkip(t *testing.T, w *world.World) {
	w.TheSandbox(t, "API Manager refuses to publish")
	w.Deployed(t)
	unpublished(t, w)
	deploy := w.Begin(t, "deploy", "-o", "json", "-f", pausing(t, nil))
	w.Until(t, "verify", board.StatePaused)
	w.Expect(t, world.Done, "skip", world.Environment, "verify", "--by", "oncall", "--reason", "the publisher is being mended").Says(t, "without step verify")
	said := deploy.End(t)
	if said.Code != world.Done {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	r := outcome(t, said).Result
	if warnings := strings.Join(r.Warnings, "\n"); !strings.Contains(warnings, "verify") || !strings.Contains(warnings, "the publisher is being mended") {
		t.Errorf("the report does not warn of what was skipped: %q", r.Warnings)
	}
	if len(r.Verified) > 0 {
		t.Errorf("the report says that this was proved: %v", r.Verified)
	}
}

func testRollback(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := w.Workloads(t)
	deploy := w.Begin(t, "deploy", "-f", pausing(t, crashing()))
	w.Until(t, "api-manager", board.StatePaused)
	w.Expect(t, world.Done, "rollback", world.Environment, "--by", "oncall", "--reason", "not today").Says(t, "undone")
	givenUp(t, w, deploy, before).Says(t, "step api-manager failed", "nothing.here", "rolled back by oncall: not today")
}

func testPatience(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := w.Workloads(t)
	deploy := w.Begin(t, "deploy", "-f", pausing(t, with(crashing(), map[string]any{"timeouts.decision": "3s"})))
	givenUp(t, w, deploy, before).Says(t, "step api-manager failed", "nobody decided within 3s")
}

func testCancelledPause(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := w.Workloads(t)
	deploy := w.Begin(t, "deploy", "-f", pausing(t, crashing()))
	w.Until(t, "api-manager", board.StatePaused)
	w.Expect(t, world.Done, "cancel", world.Environment)
	givenUp(t, w, deploy, before).Says(t, "cancelled", undoneText)
}

// givenUp is a deployment that ends undone.
func givenUp(t *testing.T, w *world.World, deploy *world.Call, before map[string]any) world.Said {
	t.Helper()
	said := deploy.End(t)
	if said.Code != world.RolledBack {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	if diff := cmp.Diff(before, w.Workloads(t)); diff != "" {
		t.Errorf("what runs is not what ran:\n%s", diff)
	}
	return said
}

func testApproval(t *testing.T, w *world.World) {
	w.Deployed(t)
	deploy := w.Begin(t, "deploy", "-o", "json", "-f", world.File(t, map[string]any{"approvals": []any{"api-manager"}}))
	w.Until(t, "api-manager", board.StateAwaitingApproval)
	w.Expect(t, world.BadInput, "retry", world.Environment, "api-manager").Says(t, "no step is paused")
	w.Expect(t, world.BadInput, "approve", world.Environment, "verify", "--by", "oncall", "--reason", "tested").Says(t, "verify")
	w.Expect(t, world.Done, "approve", world.Environment, "api-manager", "--by", "oncall", "--reason", "tested in staging").Says(t, "api-manager begins")
	said := deploy.End(t)
	if said.Code != world.Done {
		t.Fatalf("ends with %d:\n%s", said.Code, said.Err)
	}
	want := []activities.Decision{{What: decision.UpdateApprove, Step: "api-manager", By: "oncall", Reason: "tested in staging"}}
	got := outcome(t, said).Result.Decisions
	if len(got) == 1 && !got[0].At.IsZero() {
		got[0].At = want[0].At
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the report does not say who approved what, when and why:\n%s", diff)
	}
}

func testNoApproval(t *testing.T, w *world.World) {
	w.Deployed(t)
	before, revisions := w.Workloads(t), w.Revisions(t)
	deploy := w.Begin(t, "deploy", "-f", world.File(t, with(crashing(), map[string]any{"approvals": []any{"api-manager"}, "timeouts.decision": "3s"})))
	givenUp(t, w, deploy, before).Says(t, "step api-manager was not approved", "nobody decided within 3s")
	if diff := cmp.Diff(revisions, w.Revisions(t), world.Sorted); diff != "" {
		t.Errorf("the step began:\n%s", diff)
	}
}

func testSecondCancel(t *testing.T, w *world.World) {
	w.Deployed(t)
	before := w.Workloads(t)
	deploy := w.Begin(t, "deploy", "-f", pausing(t, crashing()))
	w.Until(t, "api-manager", board.StatePaused)
	w.Expect(t, world.Done, "cancel", world.Environment)
	world.Eventually(t, "it compensates", func() bool { return status(t, w).Phase == board.PhaseCompensating })
	w.Lockstep(t, "cancel", world.Environment)
	if err := w.Temporal.CancelWorkflow(t.Context(), workflows.CanonicalID(world.Environment), ""); err != nil {
		t.Error(err)
	}
	givenUp(t, w, deploy, before).Says(t, "cancelled", undoneText)
	w.Expect(t, world.Done, "verify", "-f", world.File(t, nil))
}

func status(t *testing.T, w *world.World) (s board.Status) {
	t.Helper()
	answer, err := w.Temporal.QueryWorkflow(t.Context(), workflows.CanonicalID(world.Environment), "", board.QueryStatus)
	if err == nil {
		err = answer.Get(&s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func outcome(t *testing.T, said world.Said) (o world.Outcome) {
	t.Helper()
	if err := json.Unmarshal([]byte(said.Out), &o); err != nil {
		t.Fatalf("%v:\n%s", err, said.Out)
	}
	return o
}

func with(file, more map[string]any) map[string]any {
	for path, value := range more {
		file[path] = value
	}
	return file
}

func toJSON(t *testing.T, text []byte) []byte {
	t.Helper()
	converted, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return converted
}
