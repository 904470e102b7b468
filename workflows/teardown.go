package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/component"
	"lockstep/internal/failure"
	"lockstep/internal/objects"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// TeardownInput is the input of [Teardown].
type TeardownInput = Input[TeardownOptions]

// TeardownOptions are what can be said of a teardown beside the environment.
type TeardownOptions struct {
	// Purge also removes what outlasts a teardown otherwise: credentials, certificates, the CRDs and the namespace, as far as
	// Lockstep made them. Data encrypted with the keys is lost.
	Purge bool `json:"purge,omitempty"`
}

func (TeardownOptions) of() string { return operation.Teardown }

// TeardownResult says what became of each part.
type TeardownResult struct {
	Environment string            `json:"environment"`
	Steps       map[string]string `json:"steps"`
}

// Teardown removes an environment. What Lockstep did not make stays. A part that cannot be removed does not keep the others
// from going; it is reported, and a second teardown tries again. Where there is nothing at all it ends with the error type NotFound:
// most likely the file names another place.
func Teardown(ctx workflow.Context, in TeardownInput) (TeardownResult, error) {
	return begin(ctx, in, func(env config.Environment) (TeardownResult, error) {
		t := &teardown{newRun(ctx, env)}
		steps := t.steps(in.Options.Purge)
		r, err := saga.New(ctx, env.Name, in.verb(), steps)
		if err != nil {
			return TeardownResult{}, err
		}
		t.board = r.Board
		return t.conclude(ctx, r, r.Run(ctx))
	})
}

type teardown struct{ *run }

func (t *teardown) steps(purge bool) []saga.Step {
	steps := []saga.Step{
		{Name: step.Survey, Summary: "read what exists", Do: t.survey},
		t.remove(step.Routes, "remove the routes of Identity Server", objects.Routes).After(step.Survey),
		t.uninstall(component.APIManager).After(step.Survey),
		t.uninstall(component.IdentityServer).After(step.Survey),
		t.remove(step.Listeners, "remove the gateway's listeners", objects.Gateway).After(step.Routes, step.APIManager),
		t.part(step.Gateway, "uninstall the gateway, unless others use it", t.removeGateway).After(step.Listeners),
	}
	if !purge {
		return steps
	}
	return append(steps,
		t.afterProducts(t.remove(step.Certificates, "remove certificates and key stores", objects.Certificates)).
			After(step.APIManager, step.IdentityServer, step.Gateway),
		t.afterProducts(t.remove(step.Credentials, "remove passwords and encryption keys", objects.Credentials)).After(step.Certificates),
		t.part(step.GatewayCRDs, "remove the Gateway API CRDs that nobody uses", t.removeCRDs).After(step.Gateway),
		t.part(step.Namespace, "remove the namespace", t.removeNamespace).After(step.Credentials, step.GatewayCRDs),
	)
}

// part is a step that others do without if it fails.
func (t *teardown) part(name, summary string, do func(workflow.Context) (string, error)) saga.Step {
	return saga.Step{Name: name, Summary: summary, Optional: true, Do: do}
}

func (t *teardown) survey(ctx workflow.Context) (string, error) {
	found, err := call.Get[activities.Remains](ctx, call.Quick("read what exists"), a.Survey, t.trimmed(""))
	return fmt.Sprintf("%d objects", len(found.Objects)), err
}

func (t *teardown) remove(name, summary string, set objects.Set) saga.Step {
	return t.part(name, summary, func(ctx workflow.Context) (string, error) {
		in := activities.SnapshotInput{Input: t.trimmed(""), Set: set}
		return "", call.Do(ctx, call.Undo(summary), a.RemoveObjects, in)
	})
}

// afterProducts keeps what a product needs that could not be removed.
func (t *teardown) afterProducts(s saga.Step) saga.Step {
	do := s.Do
	s.Do = func(ctx workflow.Context) (string, error) {
		for _, name := range []string{step.APIManager, step.IdentityServer} {
			if t.board.State(name) == board.StateFailed {
				return "", call.Failed(failure.Conflict, "kept, since "+name+" is still there")
			}
		}
		return do(ctx)
	}
	return s
}

func (t *teardown) uninstall(name string) saga.Step {
	summary := "uninstall " + t.component(name).Title
	return t.part(name, summary, func(ctx workflow.Context) (string, error) {
		in := activities.RemoveReleaseInput{Input: t.trimmed(""), Component: name}
		return call.Get[string](ctx, call.Undo(summary), a.RemoveRelease, in)
	})
}

func (t *teardown) removeGateway(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Undo("uninstall release "+t.env.Routing.Release), a.RemoveGateway, t.trimmed(component.Gateway)) // its values name what the hooks made
}

func (t *teardown) removeNamespace(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Undo("remove namespace "+t.env.Namespace), a.RemoveNamespace, t.trimmed(""))
}

func (t *teardown) removeCRDs(ctx workflow.Context) (string, error) {
	return call.Get[string](ctx, call.Undo("remove CRDs without objects"), a.RemoveOwnCRDs, t.trimmed(""))
}

func (t *teardown) conclude(ctx workflow.Context, r *saga.Runner, cause error) (TeardownResult, error) {
	if cause != nil {
		if temporal.IsCanceledError(cause) {
			r.Board.Close(ctx, board.OutcomeFailed, fmt.Errorf("cancelled: what was removed stays removed; run teardown again to go on"))
			return TeardownResult{}, temporal.NewCanceledError()
		}
		outcome, kind := board.OutcomeFailed, board.TypeFailed
		if call.KindOf(cause) == failure.NotFound {
			outcome, kind = board.OutcomeRefused, string(failure.NotFound) // the survey found nothing
		}
		err := temporal.NewNonRetryableApplicationError(board.Message(cause), kind, nil)
		r.Board.Close(ctx, outcome, err)
		return TeardownResult{}, err
	}
	result := TeardownResult{Environment: t.env.Name, Steps: map[string]string{}}
	var left []string
	for _, row := range r.Board.Status.Steps {
		result.Steps[row.Name] = row.Note
		if row.State == board.StateFailed {
			left = append(left, row.Name+": "+row.Error)
		}
	}
	if len(left) > 0 {
		err := temporal.NewNonRetryableApplicationError("not everything could be removed: "+strings.Join(left, "; "), board.TypeFailed, nil)
		r.Board.Close(ctx, board.OutcomeFailed, err)
		return result, err
	}
	r.Board.Close(ctx, board.OutcomeDone, nil)
	return result, nil
}
