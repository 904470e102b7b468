package workflows

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/internal/failure"
	"lockstep/workflows/call"
)

func TestAnInputThatAPersonGotWrongIsRefusedWithWhatToWrite(t *testing.T) {
	for input, says := range map[string]string{
		`{}`:                       `environment: is missing; write the name of an environment, as {"environment": "dev"}`,
		`{"enviroment": "dev"}`:    `the input of Deploy is wrong: unknown field "enviroment"; write it as {"environment": "dev"}`,
		`"dev"`:                    "the input of Deploy is wrong: ",
		`{"environment": 7}`:       "is neither a name nor an environment",
		`{"environment": "Dev_1"}`: `name "Dev_1": is not the name of an environment`,
		`{"environment": "dev", "overrides": []}`: "the input of Deploy is wrong: ",
	} {
		o := newOperation(t, "typed-by-hand")
		o.ExecuteWorkflow(operation.Deploy, typed(t, input))
		err := o.GetWorkflowError()
		if err == nil || call.KindOf(err) != failure.InvalidConfig || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", input, err, says)
		}
		if len(o.begun) > 0 {
			t.Errorf("%s: began %v", input, o.begun)
		}
	}
	o := newOperation(t, "typed-by-hand")
	o.ExecuteWorkflow(operation.Deploy) // without any input
	if err := o.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "environment: is missing") {
		t.Error(err)
	}
}

func TestAnEnvironmentGivenByNameIsReadWhereTheWorkerIs(t *testing.T) {
	o := newOperation(t, CanonicalID("dev"))
	var asked activities.CheckInput
	o.on("CheckEnvironment", 0, func(_ context.Context, in activities.CheckInput) (config.Environment, error) {
		asked = in
		env := quickstart(t)
		env.Name = "dev"
		return env, nil
	})
	o.ExecuteWorkflow(operation.Verify, typed(t, `{"environment": "dev", "overrides": {"verify": {"level": "token"}}}`))
	if err := o.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if name, err := asked.Environment.Name(); err != nil || name != "dev" || len(asked.Overrides) != 1 {
		t.Errorf("%+v, %v", asked, err)
	}
}

// typed is an input as it was typed into a form.
func typed(t *testing.T, text string) (input any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &input); err != nil {
		t.Fatal(err)
	}
	return input
}
