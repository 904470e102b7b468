package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lockstep/config"
	"lockstep/config/operation"
	"lockstep/starter/api/auth"
	"lockstep/starter/api/problem"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

// StartBody is what is asked for when an operation is started.
type StartBody struct {
	Operation verb          `json:"operation" doc:"What to do"`
	Overrides config.Values `json:"overrides,omitempty" doc:"A JSON merge patch (RFC 7396) onto the environment, for this operation alone; needs the role admin on all environments"`
	Options   StartOptions  `json:"options" required:"false" doc:"How to do it"`
}

type startInput struct {
	EnvironmentPath
	Key     string `header:"Idempotency-Key" maxLength:"255" pattern:"^[!-~]+$" doc:"A key that you choose: a repeated request with the same key returns the same operation, as long as Temporal keeps its history"`
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"ETag of the environment as you saw it: if it has changed since, nothing is started"`
	Body    StartBody
}

type startOutput struct {
	Location string `header:"Location" doc:"Of the operation"`
	Replayed string `header:"Idempotency-Replayed" doc:"true if it had been started before with the same key"`
	Body     *OperationDetails
}

func (s *Server) startRoutes(api huma.API) {
	handle(s, api, route{method: http.MethodPost, path: "/v1/environments/{environment}/operations", id: "start-operation", tag: "operations",
		status: http.StatusAccepted, refusals: []int{404, 409, 412}, refusalTypes: map[int]reflect.Type{409: reflect.TypeFor[Busy]()},
		summary: "Start an operation", text: "The environment is checked first; exactly what was checked runs. " + starters() + "."}, s.startOperation)
}

func (s *Server) startOperation(ctx context.Context, in *startInput) (out *startOutput, err error) {
	row := in.Body.Operation.row()
	in.Body.Options = in.Body.Options.given()
	change := auth.Change{Action: auth.Start(row.Verb), Environment: in.Environment, Operation: workflows.CanonicalID(in.Environment),
		Detail: detail(in.Body.Options.text(), changed(in.Body.Overrides))}
	defer func() { s.audited(ctx, change, err) }()
	if err := s.mayStart(ctx, row, in); err != nil {
		return nil, err
	}
	start := operations.Start{Environment: in.Environment, Operation: row.Type, By: by(ctx)}
	if in.Key != "" {
		start.Key, start.Digest = scoped(ctx, in.Key), digest(in.Body)
		o, repeated, err := s.Operations.Started(ctx, start)
		if repeated || err != nil {
			change.Run, change.Detail = o.ID, detail("repeated", change.Detail)
			return s.started(o, true), err
		}
	}
	if start.Input, start.Cluster, err = s.checked(row, in); err != nil {
		return nil, err
	}
	if err := s.Operations.CheckWorker(ctx, start.Cluster); err != nil {
		return nil, err
	}
	o, repeated, err := s.Operations.Start(ctx, start)
	if err != nil {
		return nil, err
	}
	change.Run = o.ID
	return s.started(o, repeated), nil
}

func (s *Server) mayStart(ctx context.Context, row operation.Operation, in *startInput) error {
	if err := s.Guard.Authorize(ctx, auth.Start(row.Verb), in.Environment); err != nil {
		return err
	}
	if len(in.Body.Overrides) == 0 {
		return nil
	}
	return s.Guard.Authorize(ctx, auth.DefineEnvironment, in.Environment)
}

// checked is the input of the operation, and its cluster, if there is nothing wrong with it.
func (s *Server) checked(row operation.Operation, in *startInput) (any, config.ClusterName, error) {
	if err := in.Body.Options.check(row); err != nil {
		return nil, "", err
	}
	seen, err := s.resolve(in.Environment, nil)
	var found config.Problems
	if err != nil && !errors.As(err, &found) {
		return nil, "", err
	}
	if err := unchanged(in.Environment, in.IfMatch, etag(seen, found)); err != nil {
		return nil, "", err
	}
	env := seen
	if len(in.Body.Overrides) > 0 {
		env, err = s.resolve(in.Environment, in.Body.Overrides)
	}
	if err == nil {
		err = s.Operations.Admit(env)
	}
	var input map[string]any
	if err == nil {
		input, err = operations.Input(row, env, in.Body.Options)
	}
	if errors.As(err, &found) {
		return nil, "", invalid(fmt.Sprintf("environment %q is not valid, and nothing was started: correct what errors lists", in.Environment), found)
	}
	return input, env.Cluster, err
}

// unchanged fails if the environment is not what the caller saw, as If-Match says, if it says something.
func unchanged(environment, ifMatch, tag string) error {
	if ifMatch == "" || matches(ifMatch, tag, false) {
		return nil
	}
	return problem.New(http.StatusPreconditionFailed, "environment-changed", "environment %q has changed since you saw it, so If-Match fails; its ETag is %s now: "+
		"read it again, and send that ETag if you still want this", environment, tag)
}

func (s *Server) started(o operations.Operation, repeated bool) *startOutput {
	details := &OperationDetails{Operation: s.operation(o)}
	out := &startOutput{Location: details.Links.Self, Body: details}
	if repeated {
		out.Replayed = "true"
	}
	return out
}

// scoped is a key as it is kept: those of one caller say nothing about those of another. An environment's keys are its own already.
func scoped(ctx context.Context, key string) string {
	identity, _ := auth.FromContext(ctx)
	return hash(strings.Join([]string{identity.Via, cmp.Or(identity.Subject, identity.Name), key}, "\n"))
}

// digest is of what was asked for, however it was written.
func digest(body StartBody) string {
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte(err.Error()) // it came from JSON
	}
	return hash(string(text))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
