package workflows

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/workflows/saga"
)

func TestTheStepsOfTheEnvironmentFileAreThoseOfADeployment(t *testing.T) {
	names := saga.Names(newDeployment(&run{env: quickstart(t)}).steps())
	if diff := cmp.Diff(step.Deployment(), names); diff != "" {
		t.Errorf("config and workflows (-want +got):\n%s", diff)
	}
}

func TestAProductsStepIsCalledAsItsComponent(t *testing.T) {
	want := []string{step.Gateway, step.IdentityServer, step.APIManager}
	if diff := cmp.Diff(want, component.Names(component.Of(quickstart(t)))); diff != "" {
		t.Error(diff)
	}
}

func TestTheTablesOfAllOperationsAreSound(t *testing.T) {
	d := func() *deployment { return newDeployment(&run{env: quickstart(t)}) }
	tables := map[string][]saga.Step{
		operation.Deploy:   d().steps(),
		operation.Verify:   {d().verify.step()},
		operation.Drift:    (&driftRun{deployment: d()}).steps(),
		operation.Teardown: (&teardown{d()}).steps(true),
		operation.Rotate:   (&rotation{d()}).steps(),
	}
	for _, purge := range []bool{false, true} {
		steps, err := (&rebuild{deployment: d(), purge: purge}).steps()
		if err != nil {
			t.Fatal(err)
		}
		tables[operation.Rebuild] = steps
		for of, steps := range tables {
			if err := saga.Check(steps); err != nil {
				t.Errorf("%s: %v", of, err)
			}
		}
	}
	for _, row := range operation.All() {
		if tables[row.Type] == nil {
			t.Errorf("the steps of %s are not looked at", row.Verb)
		}
	}
}

func TestWhatADeploymentMakesIsRemovedByATeardownAndComparedByDrift(t *testing.T) {
	d := newDeployment(&run{env: quickstart(t)})
	for _, other := range []struct {
		operation string
		steps     []saga.Step
		without   map[string]string // steps that have no row there, and why
	}{
		{operation.Teardown, (&teardown{d}).steps(true), map[string]string{
			step.Image:      "other environments may run it",
			step.KeyManager: "it goes with API Manager",
			step.Verify:     "it leaves nothing behind",
		}},
		{operation.Drift, (&driftRun{deployment: d}).steps(), map[string]string{
			step.Namespace:   "there is something in it, or nothing is compared",
			step.Credentials: "they are compared with the certificates",
			step.GatewayCRDs: "they are compared with the gateway",
			step.Verify:      "it leaves nothing behind",
		}},
	} {
		rows := saga.Names(other.steps)
		for _, s := range d.steps() {
			switch why, has := other.without[s.Name], slices.Contains(rows, s.Name); {
			case s.Undo != nil && !has && why == "":
				t.Errorf("%s makes something, and %s has no row for it: give the step one, or say here why it needs none", s.Name, other.operation)
			case has && why != "":
				t.Errorf("%s has a row for %s: say here no longer that it needs none", other.operation, s.Name)
			}
		}
	}
}
