// Package rest sends JSON and form requests to the products and turns their refusals into errors that an operator can read.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Answers are small; anything past this is not one of the products.
const maxAnswer = 16 << 20

// Client sends requests to one server.
type Client struct {
	// Base is scheme, host and port, as https://is-identity-server:9443.
	Base string
	// HTTP does the transport, with its trust.
	HTTP *http.Client
	// Product names the server in errors.
	Product string
}

// Request is one call. Body is sent as JSON unless it is [url.Values], which are sent as a form.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Body         any
	// Accept lists the expected statuses. Empty: every 2xx.
	Accept []int
}

// Error is an answer that is not what was asked for. It never holds what was sent.
type Error struct {
	Product, Method, Path string
	Status                int
	// Code and Message are the product's own, where it gave any.
	Code    string
	Message string
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s answered %s %s with %d", e.Product, e.Method, e.Path, e.Status)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Status is the HTTP status of a refusal, or 0 when err is none.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Code is the product's own code of a refusal, or "".
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Do sends r and decodes the answer's JSON into answer, unless that is nil.
func (c *Client) Do(ctx context.Context, r Request, answer any) error {
	request, err := c.request(ctx, r)
	if err != nil {
		return err
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return fmt.Errorf("calling %s %s: %w", c.Product, r.Path, unwrapURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of %s to %s %s: %w", c.Product, r.Method, r.Path, err)
	}
	if !accepted(response.StatusCode, r.Accept) {
		return c.refusal(r, response.StatusCode, body)
	}
	if answer == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("reading the answer of %s to %s %s: not the JSON it should be: %w", c.Product, r.Method, r.Path, err)
	}
	return nil
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

// refusal reads the error forms of both products: code/message/description of the REST APIs and error/error_description of OAuth.
func (c *Client) refusal(r Request, status int, body []byte) error {
	e := &Error{Product: c.Product, Method: r.Method, Path: r.Path, Status: status}
	var form struct {
		Code             any    `json:"code"`
		Message          string `json:"message"`
		Description      string `json:"description"`
		Error            any    `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	if json.Unmarshal(body, &form) != nil {
		return e
	}
	switch code := form.Code.(type) {
	case float64:
		e.Code = fmt.Sprintf("%.0f", code)
	case string:
		e.Code = code
	}
	if text, ok := form.Error.(string); ok && e.Code == "" {
		e.Code = text
	}
	e.Message = strings.Join(nonEmpty(form.Message, form.Description, form.ErrorDescription), ": ")
	return e
}

func nonEmpty(texts ...string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" && (len(kept) == 0 || kept[len(kept)-1] != text) {
			kept = append(kept, text)
		}
	}
	return kept
}

// unwrapURL drops the address from a transport error: the caller names product and path.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
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
