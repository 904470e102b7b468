package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/component"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// a names the activities; it is never called.
var a *activities.Activities

// run is what all steps of an operation share.
type run struct {
	env   config.Environment
	scope activities.Scope
	board *board.Board
	// restart is the moment that both products are to be restarted at; empty: they are not.
	restart string
}

func newRun(ctx workflow.Context, env config.Environment) *run {
	r := &run{}
	r.take(ctx, env)
	return r
}

// take has the run go on in an environment.
func (r *run) take(ctx workflow.Context, env config.Environment) {
	r.env = env
	r.scope = activities.Scope{
		Environment: env.Name, Namespace: env.Namespace, Cluster: env.Cluster,
		Run: workflow.GetInfo(ctx).WorkflowExecution.RunID,
	}
}

// component is the row of one of the environment's components.
func (r *run) component(name string) component.Component {
	c, err := component.Find(r.env, name) //workflowcheck:ignore: a row is data; what it can do no workflow calls
	if err != nil {
		panic(err) // names are constants
	}
	return c
}

// whole is the input of activities that need every chart's values.
func (r *run) whole() activities.Input {
	return activities.Input{Scope: r.scope, Env: r.env}
}

// trimmed leaves out the chart values of all components but one: they are large and each input is kept in the history.
func (r *run) trimmed(name string) activities.Input {
	env := component.Trim(r.env, name) //workflowcheck:ignore: see component
	return activities.Input{Scope: r.scope, Env: env}
}

// survey reads what there is of the environment. Nothing at all is a failure of the kind NotFound.
func (r *run) survey(ctx workflow.Context) (string, error) {
	found, err := call.Get[activities.Remains](ctx, call.Quick("read what exists"), a.Survey, r.trimmed(""))
	return fmt.Sprintf("%d objects", len(found.Objects)), err
}
