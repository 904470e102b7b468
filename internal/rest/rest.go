// Package rest sends JSON and form requests to the products and turns their refusals into failures that an operator can read.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"lockstep/internal/failure"
	"lockstep/internal/redact"
)

const (
	// Answers are small; anything past this is not one of the products.
	maxAnswer = 16 << 20
	// maxMessage is how much of a product's own words goes into an error.
	maxMessage = 500
)

// Client sends requests to one server. It follows no redirects: none of the APIs has any, so one that comes leads to a login page
// or to another server, and neither should get what was sent. It tries nothing twice; that is the caller's to decide, who knows
// what is safe to repeat.
type Client struct {
	// Base is scheme, host and port, as https://is-identity-server:9443.
	Base string
	// HTTP does the transport, with its trust.
	HTTP *http.Client
	// Product names the server in errors.
	Product string
	// Untrusted is the operator's next move if the server's certificate is not trusted.
	Untrusted string
}

// Request is one call. Body is sent as JSON unless it is [url.Values], which are sent as a form.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Body         any
	// Accept lists the expected statuses. Empty: every 2xx.
	Accept []int
	// Login says that the environment's account logs in by it: a refusal is about its password.
	Login bool
}

// Do sends r and decodes the answer's JSON into answer, unless that is nil.
func (c *Client) Do(ctx context.Context, r Request, answer any) error {
	request, err := c.request(ctx, r)
	if err != nil {
		return err
	}
	redact.Add(ctx, secrets(r)...)
	response, err := c.stay().Do(request)
	if err != nil {
		return c.unanswered(fmt.Sprintf("calling %s, %s %s", c.Product, r.Method, r.Path), unwrapURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	reading := fmt.Sprintf("reading the answer of %s to %s %s", c.Product, r.Method, r.Path)
	switch {
	case err != nil:
		return c.unanswered(reading, err)
	case !accepted(response.StatusCode, r.Accept):
		return c.refusal(ctx, r, response, body)
	case len(body) > maxAnswer:
		return failure.Final(failure.Refused, "%s: it is larger than %d MiB: check that %s is that server", reading, maxAnswer>>20, c.Base)
	case answer == nil || len(body) == 0:
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return failure.Final(failure.Refused, "%s: not the JSON it should be: %w", reading, err)
	}
	return nil
}

// stay is the HTTP client without redirects.
func (c *Client) stay() *http.Client {
	client := *c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	body, kind, err := encode(r.Body)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", r.Method, r.Path, err)
	}
	address := c.Base + r.Path
	if len(r.Query) > 0 {
		address += "?" + r.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, address, body)
	if err != nil {
		return nil, fmt.Errorf("making request %s %s: %w", r.Method, r.Path, err)
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	request.Header.Set("Accept", "application/json")
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	return request, nil
}

func encode(body any) (io.Reader, string, error) {
	switch b := body.(type) {
	case nil:
		return http.NoBody, "", nil
	case url.Values:
		return strings.NewReader(b.Encode()), "application/x-www-form-urlencoded", nil
	default:
		text, err := json.Marshal(b)
		return bytes.NewReader(text), "application/json", err
	}
}

func accepted(status int, accept []int) bool {
	if len(accept) == 0 {
		return status >= 200 && status < 300
	}
	for _, a := range accept {
		if a == status {
			return true
		}
	}
	return false
}

// Basic is the Authorization header of a user or client.
func Basic(user, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header
}

// Bearer is the Authorization header of an access token.
func Bearer(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}
