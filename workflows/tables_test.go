package workflows

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/drift"
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
	c := func() *comparison { return &comparison{deployment: d(), items: map[string][]drift.Item{}} }
	tables := map[string][]saga.Step{
		operation.Deploy:   d().steps(),
		operation.Verify:   {d().verify.step()},
		operation.Drift:    c().steps(),
		operation.Teardown: (&teardown{d().run}).steps(true),
		operation.Rotate:   c().rotation(),
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
