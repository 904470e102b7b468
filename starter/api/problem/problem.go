// Package problem is how the REST API says no: problem details as in RFC 9457, application/problem+json.
package problem

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// ContentType is that of a problem's body.
const ContentType = "application/problem+json"

// typePrefix begins the type of every problem. It is a name, not an address.
const typePrefix = "urn:lockstep:problem:"

// Problem is the body of an answer that is no success. It is an error too, and has the methods by which huma knows an
// error that is its own answer (huma.StatusError, huma.ContentTypeFilter); this package imports no framework.
type Problem struct {
	// Type is urn:lockstep:problem: and a word that programs may rely on.
	Type string `json:"type" format:"uri" doc:"Which problem this is; programs may rely on it" example:"urn:lockstep:problem:forbidden"`
	// Title is the same for all problems of a type.
	Title string `json:"title" doc:"The problem's type, for people" example:"Forbidden"`
	// Status is that of the answer.
	Status int `json:"status" doc:"HTTP status code" example:"403"`
	// Detail says what is wrong this time and ends with the next move.
	Detail string `json:"detail,omitempty" doc:"What is wrong this time, and what to do"`
	// Instance is the path that was asked for.
	Instance string `json:"instance,omitempty" format:"uri-reference" doc:"The path that was asked for" example:"/environments/dev"`
	// Errors are all that is wrong with a request, if that can be said of its parts.
	Errors []Part `json:"errors,omitempty" doc:"What is wrong with which part of the request"`

	retryAfter time.Duration
	challenge  string
}

// Part is what is wrong with one part of a request.
type Part struct {
	// Location leads to the part, as body.overrides.namespace or query.limit.
	Location string `json:"location,omitempty" doc:"Where, as body.operation or query.limit"`
	// Message says what is wrong there, and what to do.
	Message string `json:"message" doc:"What is wrong there, and what to do"`
	// Value is what stood there. It must not be a secret.
	Value any `json:"value,omitempty" doc:"What stood there"`
}

// New is a problem of a kind: a word or a few, with hyphens, as "forbidden" or "environment-busy". Its title is the
// status text; set Title where a kind has one of its own.
func New(status int, kind, format string, args ...any) *Problem {
	return &Problem{Type: typePrefix + kind, Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// RetryAfter sets the header Retry-After, in whole seconds, at least one.
func (p *Problem) RetryAfter(wait time.Duration) *Problem {
	p.retryAfter = wait
	return p
}

// Challenge sets the header WWW-Authenticate.
func (p *Problem) Challenge(challenge string) *Problem {
	p.challenge = challenge
	return p
}

// Error is title and detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Detail
}

// GetStatus is the status, as huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the headers that go with the problem, as huma asks for them.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.retryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(p.retryAfter.Seconds())))))
	}
	if p.challenge != "" {
		headers.Set("WWW-Authenticate", p.challenge)
	}
	return headers
}

// ContentType is [ContentType] wherever JSON was agreed on, as huma asks for it.
func (p *Problem) ContentType(string) string { return ContentType }

// Write answers a request with a problem. The path becomes its instance, without the query: that may hold what nobody
// else should read.
func Write(w http.ResponseWriter, r *http.Request, p *Problem) {
	body := p.Bounded()
	if body.Instance == "" {
		body.Instance = r.URL.EscapedPath()
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked is gone then
}
