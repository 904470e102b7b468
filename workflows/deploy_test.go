package workflows

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/cluster"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/release"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/workflowstest"
)

const canonicalID = "environment/quickstart"

func TestDeployCarriesOutItsStepsAndReports(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("CollectReport", time.Second, func(_ context.Context, in activities.ReportInput) (activities.Report, error) {
		return activities.Report{Environment: in.Env.Name, Kubernetes: in.Kubernetes, Issuer: in.KeyManager.Issuer, Warnings: in.Warnings, Releases: in.Releases}, nil
	})
	o.on("Preflight", 3*time.Second, func(context.Context, activities.Input) (activities.Preflight, error) {
		return activities.Preflight{Kubernetes: "v1.35.4", Warnings: []string{"first"}, Summary: "all fine"}, nil
	})
	o.on("EnsureCertificates", 0, func(context.Context, activities.Input) (activities.Certificates, error) {
		return activities.Certificates{Warnings: []string{"second"}}, nil
	})
	o.on("RegisterKeyManager", 0, func(context.Context, activities.Input) (activities.KeyManager, error) {
		return activities.KeyManager{Issuer: "https://km.lockstep.test/oauth2/token"}, nil
	})
	o.on("ApplyRelease", 0, func(_ context.Context, in activities.ApplyReleaseInput) (activities.Release, error) {
		return activities.Release{Revision: 1, Changed: in.Component != component.Gateway}, nil
	})
	o.on("WaitWorkload", time.Minute, neverReady("none"))
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})

	var report activities.Report
	if err := o.GetWorkflowResult(&report); err != nil {
		t.Fatal(err)
	}
	if report.Environment != "quickstart" || report.Kubernetes != "v1.35.4" || report.Issuer != "https://km.lockstep.test/oauth2/token" {
		t.Errorf("the report lost what the steps found out: %+v", report)
	}
	if diff := cmp.Diff([]string{"first", "second"}, report.Warnings); diff != "" {
		t.Error(diff)
	}
	if len(report.Releases) != 3 {
		t.Errorf("releases: %v", report.Releases)
	}
	if got := report.CriticalPath; got.Took != 64 || got.Makespan != 64 || !slices.Contains(got.Steps, "key-manager") {
		t.Errorf("critical path %+v, want the 64s of preflight, one product and report", got)
	}
	s := o.board()
	for _, row := range s.Steps {
		if row.State != board.StateDone {
			t.Errorf("%s is %s: %s", row.Name, row.State, row.Error)
		}
	}
	if s.Outcome != board.OutcomeDone || s.Phase != board.PhaseEnded || s.Operation != "deploy" {
		t.Errorf("board: %s %s %s", s.Operation, s.Phase, s.Outcome)
	}
	if note := s.Steps[slices.IndexFunc(s.Steps, func(r board.StepStatus) bool { return r.Name == "gateway" })].Note; note != "unchanged, revision 1" {
		t.Errorf("gateway says %q", note)
	}
}

func TestBothProductsAndTheGatewayComeUpSideBySide(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("WaitWorkload", 10*time.Minute, neverReady("none"))
	o.on("WaitGateway", 4*time.Minute, func(context.Context, activities.Input) (activities.Gateway, error) {
		return activities.Gateway{}, nil
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	s := o.board()
	if took := s.Ended.Sub(s.Started); took != 10*time.Minute {
		t.Errorf("took %s, want the 10m of one product", took)
	}
}

func TestEveryStepFollowsWhatItNeeds(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("WaitWorkload", time.Minute, neverReady("none"))
	o.on("EnsureCertificates", time.Second, func(context.Context, activities.Input) (activities.Certificates, error) {
		return activities.Certificates{}, nil
	})
	o.on("BuildImage", 5*time.Second, func(context.Context, activities.Input) (activities.Image, error) { return activities.Image{}, nil })
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	rows := map[string]board.StepStatus{}
	s := o.board()
	for _, row := range s.Steps {
		rows[row.Name] = row
	}
	for _, row := range s.Steps {
		for _, need := range row.Needs {
			if rows[need].Ended == nil || row.Started.Before(*rows[need].Ended) {
				t.Errorf("%s began before %s was done", row.Name, need)
			}
		}
	}
	if !rows[component.APIManager].Started.Before(*rows["image"].Ended) {
		t.Error("API Manager waited for the image of Identity Server")
	}
}

func TestAFailedDeploymentIsRolledBack(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("LookRelease", 0, func(_ context.Context, in activities.ReleaseRef) (release.State, error) {
		return release.State{Exists: strings.Contains(in.Name, "identity"), Revision: 4}, nil
	})
	o.on("WaitWorkload", time.Minute, neverReady(component.IdentityServer))
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})

	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeRolledBack {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{"step identity-server failed", "CrashLoopBackOff", "Next: read its log"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %q", text, err)
		}
	}
	s := o.board()
	if s.Outcome != board.OutcomeRolledBack || s.Phase != board.PhaseEnded {
		t.Errorf("board: %s %s", s.Phase, s.Outcome)
	}
	for _, row := range s.Steps {
		want := board.StateUndone
		switch row.Name {
		case "preflight":
			want = board.StateDone
		case "routes", "key-manager", "verify", "report":
			want = board.StateWaiting
		}
		if row.State != want {
			t.Errorf("%s is %s, want %s", row.Name, row.State, want)
		}
	}
	for _, b := range o.begun {
		if b.String() == "RestoreRelease wso2is" && !strings.Contains(b.input, `"revision":4`) {
			t.Errorf("Identity Server's undo does not know what it looked like: %s", b.input)
		}
	}
}

func TestADeploymentIsUndoneBackwards(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.APIManager.Values = config.Values{} // H2: what API Manager knows goes with it
	o.on("Verify", time.Minute, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{}, call.Failed(failure.Refused, "a revoked token is still accepted")
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	undone := o.since("Verify")
	var steps []string
	for _, b := range o.begun[len(o.begun)-len(undone):] {
		steps = append(steps, call.StepOf(b.id))
	}
	for _, order := range [][2]string{ // the second was needed by the first
		{"routes", "gateway"}, {"routes", component.APIManager}, {"routes", component.IdentityServer},
		{component.APIManager, "certificates"}, {component.APIManager, "gateway-crds"}, {component.IdentityServer, "image"},
		{component.IdentityServer, "certificates"}, {"gateway", "gateway-crds"}, {"certificates", "credentials"}, {"credentials", "namespace"},
	} {
		last, first := slices.Index(steps, order[1]), slices.Index(steps, order[0])
		if first < 0 || last < first {
			t.Errorf("want %s undone before %s in %q", order[0], order[1], steps)
		}
	}
	for _, name := range []string{"CleanUpVerify", "UndoKeyManager"} {
		if slices.Contains(undone, name) {
			t.Errorf("%s ran though API Manager and all it knew were removed", name)
		}
	}
}

func TestWhatAnAPIManagerOfBeforeLearnedIsUndone(t *testing.T) {
	production, err := environments.Load("../examples/production.yaml") // with databases of its own
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env      config.Environment
		revision int // after the deployment; it was 1 before
		want     []string
	}{
		"at once, in pods that stay": {quickstart(t), 1, []string{"CleanUpVerify", "UndoKeyManager", "RestoreRelease apim"}},
		"in the pods of before, which know it from their database": {production, 2,
			[]string{"RestoreRelease apim", "WaitWorkload api-manager", "CleanUpVerify", "UndoKeyManager"}},
		"from memory, in the pods of before, which forgot it": {quickstart(t), 2, []string{"RestoreRelease apim", "WaitWorkload api-manager", "UndoKeyManager"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOperation(t, CanonicalID(test.env.Name))
			o.on("LookRelease", 0, func(context.Context, activities.ReleaseRef) (release.State, error) {
				return release.State{Exists: true, Revision: 1}, nil
			})
			o.on("Snapshot", 0, func(context.Context, activities.SnapshotInput) ([]cluster.Snapshot, error) {
				return []cluster.Snapshot{{Exists: true}}, nil
			})
			o.on("LookKeyManager", 0, func(context.Context, activities.Input) (activities.KeyManagerState, error) {
				return activities.KeyManagerState{Exists: true}, nil
			})
			o.on("ApplyRelease", 0, func(context.Context, activities.ApplyReleaseInput) (activities.Release, error) {
				return activities.Release{Revision: test.revision, Changed: test.revision > 1}, nil
			})
			o.on("Verify", time.Minute, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
				return activities.Verification{}, call.Failed(failure.Refused, "no")
			})
			o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(test.env)})
			var undone []string
			for _, one := range o.since("Verify") {
				if slices.Contains([]string{"CleanUpVerify", "UndoKeyManager", "RestoreRelease apim", "WaitWorkload api-manager"}, one) {
					undone = append(undone, one)
				}
			}
			if diff := cmp.Diff(test.want, undone); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotBeUndoneIsReported(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("WaitWorkload", time.Minute, neverReady(component.APIManager))
	o.on("UndoImage", 0, func(context.Context, activities.UndoImageInput) error {
		return call.Failed(failure.Conflict, "the registry does not delete")
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	err := o.GetWorkflowError()
	if workflowstest.TypeOf(err) != board.TypeFailed || !strings.Contains(err.Error(), "image: the registry does not delete") || !strings.Contains(err.Error(), "step api-manager failed") {
		t.Errorf("got %v", err)
	}
	s := o.board()
	for _, row := range s.Steps {
		if row.Name == "image" && (row.State != board.StateUndoFailed || !strings.Contains(row.Error, "does not delete")) {
			t.Errorf("image is %s: %s", row.State, row.Error)
		}
		if row.Name == "namespace" && row.State != board.StateUndone {
			t.Errorf("namespace is %s: the others must go on", row.State)
		}
	}
	if s.Outcome != board.OutcomeFailed {
		t.Errorf("outcome %q", s.Outcome)
	}
}

func TestOnFailureKeepLeavesADeploymentForInspection(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.OnFailure = config.OnFailureKeep
	o.on("WaitWorkload", time.Minute, neverReady(component.APIManager))
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	if err := o.GetWorkflowError(); workflowstest.TypeOf(err) != board.TypeFailed {
		t.Errorf("got %v", err)
	}
	for _, b := range o.begun {
		if strings.HasPrefix(b.name, "Undo") || strings.HasPrefix(b.name, "Restore") || strings.HasPrefix(b.name, "Remove") {
			t.Errorf("%s ran", b)
		}
	}
}

func TestAWrongEnvironmentIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Hostnames.Gateway, env.Verify.Level = env.Hostnames.Management, "thorough"
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	err := o.GetWorkflowError()
	if call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), "hostnames") || !strings.Contains(err.Error(), "thorough") {
		t.Errorf("got %v, want all problems", err)
	}
	if len(o.begun) != 1 {
		t.Errorf("began %v", o.begun)
	}
}

func TestACancelledDeploymentIsUndoneAndEndsAsCancelled(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("WaitWorkload", 10*time.Minute, neverReady("none"))
	o.RegisterDelayedCallback(o.CancelWorkflow, 3*time.Minute)
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); !temporal.IsCanceledError(err) {
		t.Errorf("got %v, want a cancellation", err)
	}
	s := o.board()
	if s.Outcome != board.OutcomeRolledBack || s.Phase != board.PhaseEnded {
		t.Errorf("board: %s %s", s.Phase, s.Outcome)
	}
	for _, row := range s.Steps {
		if row.State == board.StateRunning || row.State == board.StateCancelled || row.State == board.StateUndoing {
			t.Errorf("%s is %s at the end", row.Name, row.State)
		}
	}
}

func TestWhatDoesNotAnswerIsTriedAgain(t *testing.T) {
	o := newOperation(t, canonicalID)
	attempts := 0
	o.on("RegisterKeyManager", 0, func(context.Context, activities.Input) (activities.KeyManager, error) {
		if attempts++; attempts < 4 {
			return activities.KeyManager{}, temporal.NewApplicationError("503", string(failure.Unavailable))
		}
		return activities.KeyManager{}, nil
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	if err := o.GetWorkflowError(); err != nil || attempts != 4 {
		t.Errorf("%d attempts: %v", attempts, err)
	}
}

func TestActivityIdsAreUniqueAndNameTheirStep(t *testing.T) {
	o := newOperation(t, canonicalID)
	o.on("Verify", 0, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{}, call.Failed(failure.Refused, "no")
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(quickstart(t))})
	steps := map[string]bool{}
	for _, row := range o.board().Steps {
		steps[row.Name] = true
	}
	seen := map[string]string{}
	for _, b := range o.begun {
		if other, twice := seen[b.id]; twice {
			t.Errorf("%s and %s are both %q", other, b, b.id)
		}
		seen[b.id] = b.String()
		if b.name != "CheckEnvironment" && !steps[call.StepOf(b.id)] {
			t.Errorf("%q of %s names no step", b.id, b)
		}
	}
}

func TestActivitiesGetTheChartValuesThatTheyNeedAndNoOthers(t *testing.T) {
	o := newOperation(t, canonicalID)
	env := quickstart(t)
	env.Routing.Values = config.Values{"note": "values-of-gateway"}
	env.IdentityServer.Values = config.Values{"note": "values-of-identity-server"}
	env.APIManager.Values = config.Values{"note": "values-of-api-manager"}
	o.on("CheckEnvironment", 0, func(context.Context, activities.CheckInput) (config.Environment, error) { return env, nil })
	o.on("Verify", 0, func(context.Context, activities.VerifyInput) (activities.Verification, error) {
		return activities.Verification{}, call.Failed(failure.Refused, "no")
	})
	o.ExecuteWorkflow(Deploy, DeployInput{Request: Of(env)})
	for _, b := range o.begun {
		if b.name == "CheckEnvironment" || b.name == "Preflight" {
			continue // they check all values
		}
		for _, component := range []string{"gateway", "identity-server", "api-manager"} {
			needs := b.String() == "ApplyRelease "+component ||
				b.name == "ApplyRoutes" && component == "identity-server" || // how many there may be
				strings.HasSuffix(b.name, "CRDs") && component == "gateway" || // whether the chart brings them
				b.name == "UndoGateway" && component == "gateway" // how the chart's hooks named things
			if got := strings.Contains(b.input, "values-of-"+component); got != needs {
				t.Errorf("%s (%s) has the values of %s: %t, want %t", b, b.id, component, got, needs)
			}
		}
	}
}
