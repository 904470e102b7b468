package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lockstep/config"
	"lockstep/starter/api/auth"
	"lockstep/starter/operations"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
)

// OperationPath names the operation of a request.
type OperationPath struct {
	EnvironmentPath
	Operation string `path:"operation" maxLength:"36" pattern:"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" doc:"Id of the operation" example:"0196f0a4-3a70-7d5e-8a5c-1b4e28ba2fa1"`
}

// Operation is what Temporal itself knows of an operation, even if no worker answers.
type Operation struct {
	ID          string         `json:"id" doc:"The workflow's run id"`
	Environment string         `json:"environment"`
	Operation   string         `json:"operation" doc:"What it does, as deploy"`
	StartedBy   string         `json:"startedBy,omitempty"`
	Started     time.Time      `json:"started"`
	Ended       *time.Time     `json:"ended,omitempty"`
	Phase       string         `json:"phase,omitempty" doc:"running, paused, awaiting-approval, compensating or ended; absent before it has looked at its input"`
	Outcome     string         `json:"outcome,omitempty" doc:"Once it has ended: done, drifted, failed, rolled-back, refused, cancelled, terminated or another"`
	Links       OperationLinks `json:"links"`
}

// OperationLinks lead on.
type OperationLinks struct {
	Self   string `json:"self" format:"uri-reference"`
	Events string `json:"events" format:"uri-reference" doc:"Its progress, as server-sent events"`
	UI     string `json:"ui" format:"uri" doc:"Its board in the Temporal UI"`
}

// OperationDetails are an operation with its board.
type OperationDetails struct {
	Operation
	Board      *board.Status     `json:"board,omitempty" doc:"Its steps; absent if it has none yet, or if nobody answers"`
	Doing      map[string]string `json:"doing,omitempty" doc:"Progress of the running steps, by step"`
	Choices    []Choice          `json:"choices,omitempty" doc:"What can be decided now; POST one to decisions"`
	Unanswered string            `json:"unanswered,omitempty" doc:"Why there is no board although there should be one"`
	Error      string            `json:"error,omitempty" doc:"Once it has ended without success: why, and what to do"`
	Result     json.RawMessage   `json:"result,omitempty" doc:"Once it has ended with success: what came of it"`
}

// Choice is a decision that waits to be made.
type Choice struct {
	Decision string `json:"decision"`
	Step     string `json:"step,omitempty"`
}

type listInput struct {
	EnvironmentPath
	Kind    verb   `query:"operation" doc:"Only those that do that"`
	Outcome string `query:"outcome" maxLength:"32" pattern:"^[a-z]+(-[a-z]+)*$" doc:"Only those that ended so, as failed"`
	Limit   int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many at most"`
	Cursor  string `query:"cursor" maxLength:"500" doc:"The cursor that the page before ended with"`
}

type listOutput struct {
	Body struct {
		Operations []Operation `json:"operations" nullable:"false" doc:"Newest first. One that has just begun or ended may be missing for a moment"`
		Cursor     string      `json:"cursor,omitempty" doc:"Of the next page; absent on the last"`
	}
}

type operationOutput struct{ Body *OperationDetails }

func (s *Server) operationRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments/{environment}/operations", id: "list-operations", tag: "operations", refusals: []int{404},
		summary: "List operations on an environment", text: "Page by page, newest first."}, s.listOperations)
	handle(s, api, route{method: http.MethodGet, path: "/v1/environments/{environment}/operations/{operation}", id: "get-operation", tag: "operations", refusals: []int{404},
		summary: "Read an operation", text: "With its steps, what they are doing, what can be decided, and how it ended."}, s.getOperation)
}

func (s *Server) listOperations(ctx context.Context, in *listInput) (*listOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ReadOperation, in.Environment); err != nil {
		return nil, err
	}
	query := operations.Query{Environment: in.Environment, Operation: in.Kind.row().Type, Outcome: in.Outcome, PageSize: in.Limit}
	if in.Cursor != "" {
		before, err := readCursor(in.Cursor, query)
		if err != nil {
			return nil, err
		}
		query.Before = before
	}
	found, more, err := s.Operations.List(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && in.Cursor == "" {
		if err := s.exists(in.Environment); err != nil {
			return nil, err
		}
	}
	out := &listOutput{}
	out.Body.Operations = make([]Operation, 0, len(found))
	for _, o := range found {
		out.Body.Operations = append(out.Body.Operations, s.operation(o))
	}
	if len(more) > 0 && len(found) > 0 {
		out.Body.Cursor = cursor(found[len(found)-1].Started, query)
	}
	return out, nil
}

// exists fails if there is no environment of that name. One that is wrong is one.
func (s *Server) exists(name string) error {
	_, err := s.resolve(name, nil)
	var found config.Problems
	if errors.As(err, &found) {
		return nil
	}
	return err
}

func (s *Server) getOperation(ctx context.Context, in *OperationPath) (*operationOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ReadOperation, in.Environment); err != nil {
		return nil, err
	}
	details, err := s.details(ctx, in.Environment, in.Operation)
	return &operationOutput{details}, err
}

// details are all that is known of an operation.
func (s *Server) details(ctx context.Context, environment, id string) (*OperationDetails, error) {
	o, err := s.Operations.Get(ctx, environment, id)
	if err != nil {
		return nil, err
	}
	d := &OperationDetails{Operation: s.operation(o)}
	view, err := s.Operations.View(ctx, o)
	switch {
	case err == nil:
		d.Board, d.Doing, d.Choices = &view.Status, view.Doing, choices(view.Status)
		if o.Running() && view.Status.Phase != board.PhaseEnded {
			d.Phase = view.Status.Phase // the search attribute follows
		}
	case !errors.Is(err, operations.ErrNoBoard):
		d.Unanswered = "no worker answers: ask the operator of the workers to start one"
	}
	if o.Running() {
		return d, nil
	}
	if d.Result, err = s.Operations.Result(ctx, o); err == nil {
		return d, nil
	}
	ending := operations.End(err, d.Board)
	if ending.Outcome == operations.OutcomeUnknown {
		return nil, &operations.Error{Kind: operations.Unavailable, Err: fmt.Errorf("asking how operation %s on environment %q ended: %w; try again, and ask the server's operator if it fails again", id, environment, err)}
	}
	d.Outcome, d.Error, d.Result = ending.Outcome, ending.Error, nil
	return d, nil
}

// operation is what the API says of an operation.
func (s *Server) operation(o operations.Operation) Operation {
	self := "/v1/environments/" + o.Environment + "/operations/" + o.ID
	var ended *time.Time
	if o.Ended != nil {
		utc := o.Ended.UTC()
		ended = &utc
	}
	return Operation{ID: o.ID, Environment: o.Environment, Operation: verbOf(o.Operation), StartedBy: o.StartedBy, Started: o.Started.UTC(), Ended: ended,
		Phase: o.Phase, Outcome: o.Outcome, Links: OperationLinks{Self: self, Events: self + "/events", UI: s.Operations.Link(o)}}
}

// choices are the decisions that an operation waits for.
func choices(status board.Status) []Choice {
	var all []Choice
	for _, row := range status.Steps {
		switch row.State {
		case board.StatePaused:
			all = append(all, Choice{decision.UpdateRetry, row.Name})
			if row.Skippable != "" {
				all = append(all, Choice{decision.UpdateSkip, row.Name})
			}
		case board.StateAwaitingApproval:
			all = append(all, Choice{decision.UpdateApprove, row.Name})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return append(all, Choice{Decision: decision.UpdateRollback})
}
