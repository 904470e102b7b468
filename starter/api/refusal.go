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
	"lockstep/starter/api/auth"
	"lockstep/starter/api/problem"
	"lockstep/starter/operations"
)

// Busy is the problem of an environment on which another operation runs.
type Busy struct {
	problem.Problem
	Holder *Operation `json:"holder,omitempty" doc:"What runs there: who started it, since when, and where it is found"`
}

// retryUnavailable is what callers are asked to wait when Temporal or its workers do not answer.
const retryUnavailable = 5 * time.Second

// refusal is an error as a problem.
func (s *Server) refusal(ctx context.Context, err error) error {
	var own *problem.Problem
	var denied *auth.Refusal
	var asked *operations.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &denied):
		return denied.Problem()
	case errors.As(err, &asked):
		return s.operationRefusal(asked)
	case ctx.Err() != nil:
		return problem.New(http.StatusServiceUnavailable, "unavailable", "the answer took too long: try again").RetryAfter(retryUnavailable)
	}
	s.Log.Error("A request failed for an unknown reason", "error", err)
	return problem.New(http.StatusInternalServerError, "internal", "the server made a mistake: try again, and ask its operator, whose log says more")
}

func (s *Server) operationRefusal(err *operations.Error) error {
	switch err.Kind {
	case operations.Invalid:
		return problem.New(http.StatusUnprocessableEntity, "invalid-request", "%s", err.Error())
	case operations.Unknown:
		return problem.New(http.StatusNotFound, "unknown-operation", "%s", err.Error())
	case operations.Refused:
		return problem.New(http.StatusConflict, "not-now", "%s", err.Error())
	case operations.Busy:
		busy := &Busy{Problem: *problem.New(http.StatusConflict, "environment-busy", "%s", err.Error())}
		busy.Title = "Environment busy"
		if err.Holder != nil {
			holder := s.operation(*err.Holder)
			busy.Holder = &holder
		}
		return busy
	}
	s.Log.Warn("Temporal or its workers do not answer", "error", err)
	return problem.New(http.StatusServiceUnavailable, "unavailable", "%s", withoutCause(err)).RetryAfter(retryUnavailable)
}

// withoutCause leaves out what Temporal's client says: it tells addresses that callers need not know.
func withoutCause(err *operations.Error) string {
	cause := errors.Unwrap(err.Err)
	if cause == nil {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), cause.Error(), "no answer (the server's log says why)")
}

// invalid is an environment that is wrong, with all that is.
func invalid(detail string, found config.Problems) *problem.Problem {
	p := problem.New(http.StatusUnprocessableEntity, "invalid-environment", "%s", detail)
	p.Title = "Invalid environment"
	for _, one := range found {
		part := problem.Part{Location: one.Path, Message: one.Message}
		if one.Next != "" {
			part.Message += "; " + one.Next
		}
		if one.Value != "" {
			part.Value = one.Value
		}
		p.Errors = append(p.Errors, part)
	}
	return p
}

// wrong is a request with one part that is wrong.
func wrong(location, format string, args ...any) *problem.Problem {
	message := fmt.Sprintf(format, args...)
	p := problem.New(http.StatusUnprocessableEntity, "invalid-request", "%s: %s", location, message)
	p.Errors = []problem.Part{{Location: location, Message: message}}
	return p
}

// ownProblem puts the server's own problem in the place of huma's error, and the path into both.
func (s *Server) ownProblem(ctx huma.Context, _ string, body any) (any, error) {
	path := ctx.URL()
	switch body := body.(type) {
	case *huma.ErrorModel:
		whole := translated(body).Bounded()
		p := &whole
		p.Instance = path.EscapedPath()
		if method := ctx.Method(); method != http.MethodGet && method != http.MethodHead {
			s.Guard.Record(ctx.Context(), auth.Change{Environment: ctx.Param("environment"), Operation: ctx.Param("operation"), Err: p})
		}
		return p, nil
	case *problem.Problem:
		whole := body.Bounded()
		whole.Instance = path.EscapedPath()
		return &whole, nil
	case *Busy:
		body.Problem = body.Bounded()
		body.Instance = path.EscapedPath()
	}
	return body, nil
}

// longestValue of what stood in a request is repeated in an answer.
const longestValue = 100

// translated is what huma says of a request, with what to do about it.
func translated(e *huma.ErrorModel) *problem.Problem {
	kind, next := "invalid-request", "correct what errors lists, as in /openapi.json"
	switch e.Status {
	case http.StatusBadRequest:
		kind, next = "malformed-body", "send a JSON object, as /openapi.json says"
	case http.StatusUnsupportedMediaType:
		kind, next = "unsupported-media-type", "send the body as application/json"
	case http.StatusInternalServerError:
		kind, next = "internal", "try again, and ask the server's operator"
	}
	p := problem.New(e.Status, kind, "%s: %s", e.Detail, next)
	for _, detail := range e.Errors {
		part := problem.Part{Location: detail.Location, Message: detail.Message}
		if text, is := detail.Value.(string); is && detail.Location != "body" && len(text) <= longestValue && !strings.HasPrefix(detail.Location, "header") {
			part.Value = text
		}
		p.Errors = append(p.Errors, part)
	}
	return p
}
