package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/config/step"
	"lockstep/internal/failure"
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
		t := &teardown{newDeployment(newRun(ctx, env))}
		steps := t.steps(in.Options.Purge)
		r, err := saga.New(ctx, env.Name, in.verb(), steps)
		if err != nil {
			return TeardownResult{}, err
		}
		t.board = r.Board
		return t.conclude(ctx, r, r.Run(ctx))
	})
}

type teardown struct{ *deployment }

// steps are the rows of a deployment's steps, each after what needs it.
func (t *teardown) steps(purge bool) []saga.Step {
	steps := []saga.Step{
		{Name: step.Survey, Summary: "read what exists", Do: t.survey},
		t.routes.removal().After(step.Survey),
		t.apiManager.removal().After(step.Survey),
		t.identityServer.removal().After(step.Survey),
		t.gateway.listenersRemoval().After(step.Routes, step.APIManager),
		t.gateway.removal().After(step.Listeners),
	}
	if !purge {
		return steps
	}
	return append(steps,
		t.afterProducts(t.certificates.removal()).After(step.APIManager, step.IdentityServer, step.Gateway),
		t.afterProducts(t.credentials.removal()).After(step.Certificates),
		t.crds.removal().After(step.Gateway),
		t.namespace.removal().After(step.Credentials, step.GatewayCRDs),
	)
}

// removal is the row of a step in a teardown. Others do without if it fails.
func removal(name, summary string, do func(workflow.Context) (string, error)) saga.Step {
	return saga.Step{Name: name, Summary: summary, Optional: true, Do: do}
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
