package workflows

import (
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/internal/failure"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// Request is what the input of every operation begins with.
type Request struct {
	// Environment is the name of a file in the worker's folder of environments, or an environment itself.
	Environment environments.Reference `json:"environment"`
	// Overrides is a JSON merge patch onto the environment, for this operation alone.
	Overrides config.Values `json:"overrides,omitempty"`

	malformed string // what is wrong with the JSON it was read from
}

// Of is a request for an environment itself.
func Of(env config.Environment) Request { return Request{Environment: environments.Inline(env)} }

// ForName is a request for an environment in the worker's folder of environments.
func ForName(name string) Request { return Request{Environment: environments.Named(name)} }

// environment is the name of what is asked for. A request that says none, or that could not be read, is refused with what to write:
// it was typed by a person.
func (r Request) environment(ctx workflow.Context) (string, error) {
	name, err := r.Environment.Name()
	why := r.malformed
	if why == "" && err != nil {
		why = err.Error()
	}
	if why == "" {
		return name, nil
	}
	workflow.SetCurrentDetails(ctx, refusedDetails(why))
	return "", call.Failed(failure.InvalidConfig, why)
}

func refusedDetails(why string) string {
	return "**refused**, nothing was started or changed:\n" + board.Block(why)
}
