package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/starter/api/auth"
	"lockstep/workflows"
	"lockstep/workflows/decision"
)

// DecisionBody is a decision about an operation that waits for one. Who decides is who asks.
type DecisionBody struct {
	Decision  string        `json:"decision" enum:"retry-step,skip-step,approve,rollback" doc:"What to do"`
	Step      string        `json:"step,omitempty" maxLength:"100" doc:"Which step; retry-step may leave it out if exactly one is paused"`
	Reason    string        `json:"reason,omitempty" maxLength:"1000" doc:"Why, for the report; skip-step and approve need one"`
	FromFile  bool          `json:"fromFile,omitempty" doc:"retry-step: run all steps again with the current file of the environment"`
	Overrides config.Values `json:"overrides,omitempty" doc:"retry-step: run all steps again with this JSON merge patch onto the environment; needs the role admin on all environments"`
}

// DecisionAnswer says what follows.
type DecisionAnswer struct {
	Decision string `json:"decision"`
	Step     string `json:"step,omitempty"`
	Next     string `json:"next" doc:"What happens now"`
}

// CancelAnswer says what follows.
type CancelAnswer struct {
	Next string `json:"next" doc:"What happens now"`
}

type decisionInput struct {
	OperationPath
	Body DecisionBody
}

type decisionOutput struct{ Body DecisionAnswer }

type cancelOutput struct{ Body CancelAnswer }

// decisionPatience is more than what a worker is given to answer.
const decisionPatience = 75 * time.Second

func (s *Server) controlRoutes(api huma.API) {
	const operation = "/v1/environments/{environment}/operations/{operation}"
	handle(s, api, route{method: http.MethodPost, path: operation + "/cancel", id: "cancel-operation", tag: "operations", status: http.StatusAccepted, refusals: []int{404, 409},
		summary: "Cancel an operation", text: "A deployment undoes what it did."}, s.cancel)
	handle(s, api, route{method: http.MethodPost, path: operation + "/decisions", id: "decide", tag: "operations", refusals: []int{404, 409}, patience: decisionPatience,
		summary: "Decide about an operation", text: "Its choices say what it waits for. Every other decision is refused: 409."}, s.decide)
}

func (s *Server) cancel(ctx context.Context, in *OperationPath) (out *cancelOutput, err error) {
	defer func() { s.audited(ctx, in.change(auth.CancelOperation, ""), err) }()
	if err := s.Guard.Authorize(ctx, auth.CancelOperation, in.Environment); err != nil {
		return nil, err
	}
	o, err := s.Operations.Get(ctx, in.Environment, in.Operation)
	if err != nil {
		return nil, err
	}
	undoing, err := s.Operations.Cancel(ctx, o)
	if err != nil {
		return nil, err
	}
	next := "it is cancelling, and a deployment undoes what it did: watch its events"
	if undoing {
		next = "it is already undoing what it did, and nothing stops that: watch its events"
	}
	return &cancelOutput{CancelAnswer{next}}, nil
}

func (in *OperationPath) change(action auth.Action, detail string) auth.Change {
	return auth.Change{Action: action, Environment: in.Environment, Operation: workflows.CanonicalID(in.Environment), Run: in.Operation, Detail: detail}
}

func (s *Server) decide(ctx context.Context, in *decisionInput) (out *decisionOutput, err error) {
	defer func() { s.audited(ctx, in.change(auth.DecideOperation, in.Body.text()), err) }()
	if err := s.mayDecide(ctx, in); err != nil {
		return nil, err
	}
	input, err := s.decision(in, by(ctx))
	if err != nil {
		return nil, err
	}
	o, err := s.Operations.Get(ctx, in.Environment, in.Operation)
	if err != nil {
		return nil, err
	}
	answer, err := s.Operations.Decide(ctx, o, in.Body.Decision, input)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{DecisionAnswer{in.Body.Decision, answer.Step, answer.Next}}, nil
}

func (s *Server) mayDecide(ctx context.Context, in *decisionInput) error {
	if err := s.Guard.Authorize(ctx, auth.DecideOperation, in.Environment); err != nil {
		return err
	}
	if len(in.Body.Overrides) == 0 {
		return nil
	}
	return s.Guard.Authorize(ctx, auth.DefineEnvironment, in.Environment)
}

// decision is the input of the Update, if nothing is wrong with it that can be seen from here.
func (s *Server) decision(in *decisionInput, by string) (any, error) {
	body := in.Body
	signed := body.Decision == decision.UpdateSkip || body.Decision == decision.UpdateApprove
	switch {
	case body.Decision != decision.UpdateRetry && body.FromFile:
		return nil, wrong("body.fromFile", "only retry-step takes a changed environment: leave it out")
	case body.Decision != decision.UpdateRetry && len(body.Overrides) > 0:
		return nil, wrong("body.overrides", "only retry-step takes a changed environment: leave it out")
	case body.Decision == decision.UpdateRollback && body.Step != "":
		return nil, wrong("body.step", "rollback undoes all that the operation did: leave the step out")
	case signed && body.Step == "":
		return nil, wrong("body.step", "%s needs a step: the operation's choices name the steps that wait", body.Decision)
	case signed && strings.TrimSpace(body.Reason) == "":
		return nil, wrong("body.reason", "%s needs a reason: say why, for the report", body.Decision)
	}
	switch body.Decision {
	case decision.UpdateSkip:
		return decision.SkipStep{Step: body.Step, By: by, Reason: body.Reason}, nil
	case decision.UpdateApprove:
		return decision.Approve{Step: body.Step, By: by, Reason: body.Reason}, nil
	case decision.UpdateRollback:
		return decision.Rollback{By: by, Reason: body.Reason}, nil
	}
	return s.retry(in, by)
}

func (s *Server) retry(in *decisionInput, by string) (any, error) {
	input := decision.RetryStep{Step: in.Body.Step, By: by, Reason: in.Body.Reason, Overrides: in.Body.Overrides}
	if !in.Body.FromFile {
		return input, nil
	}
	env, err := s.resolve(in.Environment, in.Body.Overrides)
	var found config.Problems
	if errors.As(err, &found) {
		return nil, invalid(fmt.Sprintf("environment %q is not valid, and nothing was decided: correct what errors lists", in.Environment), found)
	}
	changed := environments.Inline(env)
	input.Environment, input.Overrides = &changed, nil
	return input, err
}
