package workflows

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/workflowstest"
)

// begun is one activity that an operation began.
type begun struct {
	name, id string
	input    string // as JSON
}

// String is the activity with what tells it from others of its name.
func (b begun) String() string {
	var in struct {
		Component string
		Set       string
		Name      string
		Release   struct{ Name string }
		Before    json.RawMessage
	}
	_ = json.Unmarshal([]byte(b.input), &in)
	return strings.Join(strings.Fields(strings.Join([]string{b.name, in.Component, in.Set, in.Name, in.Release.Name}, " ")), " ")
}

// trial is a test environment in which all activities answer at once and do nothing.
type trial struct {
	*testsuite.TestWorkflowEnvironment
	t     *testing.T
	begun []begun
}

func newOperation(t *testing.T, id string) *trial {
	t.Helper()
	o := &trial{TestWorkflowEnvironment: workflowstest.Environment(), t: t}
	o.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id, TaskQueue: "lockstep"})
	for _, w := range all()[:len(all())-1] { // not Scheduled
		o.RegisterWorkflow(w)
	}
	workflowstest.Register(o.TestWorkflowEnvironment, nil)
	o.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, args converter.EncodedValues) {
		var input json.RawMessage
		if err := args.Get(&input); err != nil {
			t.Errorf("reading the input of %s: %v", info.ActivityType.Name, err)
		}
		o.begun = append(o.begun, begun{info.ActivityType.Name, info.ActivityID, string(input)})
	})
	return o
}

// on has calls of an activity take their time and then do what does does.
func (o *trial) on(activity string, took time.Duration, does any) {
	o.OnActivity(activity, mock.Anything, mock.Anything).After(took).Return(does)
}

// since lists the activities that began after the first of that name.
func (o *trial) since(first string) []string {
	var all []string
	for _, b := range o.begun {
		if len(all) > 0 || b.String() == first {
			all = append(all, b.String())
		}
	}
	if len(all) == 0 {
		o.t.Fatalf("%s never began", first)
	}
	return all[1:]
}

func (o *trial) board() board.Status {
	o.t.Helper()
	answer, err := o.QueryWorkflow(board.QueryStatus)
	if err != nil {
		o.t.Fatal(err)
	}
	var s board.Status
	if err := answer.Get(&s); err != nil {
		o.t.Fatal(err)
	}
	return s
}

func inline(env config.Environment) *environments.Reference {
	reference := environments.Inline(env)
	return &reference
}

// quickstart is an environment to operate on.
func quickstart(t *testing.T) config.Environment {
	t.Helper()
	env, err := environments.Load("../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// neverReady fails the wait for a product's pods.
func neverReady(component string) func(context.Context, activities.WaitInput) error {
	return func(_ context.Context, in activities.WaitInput) error {
		if in.Component == component {
			return call.Failed(failure.NotReady, "Deployment apim/"+component+" is not ready: CrashLoopBackOff\nexit 1\nNext: read its log")
		}
		return nil
	}
}

func reportOf(_ context.Context, in activities.ReportInput) (activities.Report, error) {
	return activities.Report{Environment: in.Env.Name}, nil
}
