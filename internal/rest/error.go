package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"lockstep/internal/failure"
)

// Error is an answer that is not what was asked for, as the cause of a failure. It never holds what was sent.
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

// Refusal is the answer that an error is about, or nil.
func Refusal(err error) *Error {
	var e *Error
	errors.As(err, &e)
	return e
}

// Status is the HTTP status of a refusal, or 0 when err is none.
func Status(err error) int {
	if e := Refusal(err); e != nil {
		return e.Status
	}
	return 0
}

// Code is the product's own code of a refusal, or "".
func Code(err error) string {
	if e := Refusal(err); e != nil {
		return e.Code
	}
	return ""
}

// refusal reads the error forms of both products: code/message/description/error[] of the REST APIs, error/error_description of OAuth,
// and the plain text of proxies. Pages are left out: they say nothing.
func (c *Client) refusal(ctx context.Context, r Request, response *http.Response, body []byte) error {
	e := &Error{Product: c.Product, Method: r.Method, Path: r.Path, Status: response.StatusCode}
	var form struct {
		Code             any    `json:"code"`
		Message          string `json:"message"`
		Description      string `json:"description"`
		Error            any    `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	hide := hiding(ctx, r)
	switch kind := response.Header.Get("Content-Type"); {
	case json.Unmarshal(body, &form) == nil:
		said := append([]string{form.Message, form.Description, form.ErrorDescription}, details(form.Error)...)
		e.Code, e.Message = hide(code(form.Code, form.Error)), sentence(hide, said...)
	case strings.HasPrefix(kind, "text/plain"):
		e.Message = sentence(hide, strings.Join(strings.Fields(string(body)), " "))
	}
	if target, err := response.Location(); err == nil && e.Message == "" {
		e.Message = "it redirects to " + (&url.URL{Scheme: target.Scheme, Host: target.Host, Path: target.Path}).String()
	}
	return classified(e, r.Login)
}

// code is a number in the REST APIs, text at the gateway, and OAuth calls it error.
func code(code, fallback any) string {
	switch code := code.(type) {
	case float64:
		return fmt.Sprintf("%.0f", code)
	case string:
		return code
	}
	text, _ := fallback.(string)
	return text
}

// details are the single findings of a REST API about a request.
func details(list any) (texts []string) {
	findings, _ := list.([]any)
	for _, finding := range findings {
		object, _ := finding.(map[string]any)
		text, _ := object["message"].(string)
		texts = append(texts, text)
	}
	return texts
}

// sentence joins what is said, once each, without secrets, and then keeps it short.
func sentence(hide func(string) string, texts ...string) string {
	var kept []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" && !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	joined := hide(strings.Join(kept, ": "))
	if len(joined) <= maxMessage {
		return joined
	}
	joined = joined[:maxMessage]
	for !utf8.ValidString(joined) {
		joined = joined[:len(joined)-1]
	}
	return joined + "…"
}

// classified is the failure that a refusal is. Both products answer 5xx for a while after they became ready.
func classified(e *Error, login bool) error {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return &failure.Error{Kind: failure.Unauthorized, Cause: e, Next: refused(login)}
	case e.Status == http.StatusConflict, e.Status == http.StatusPreconditionFailed:
		return &failure.Error{Kind: failure.Conflict, Cause: e}
	case e.Status == http.StatusNotFound && e.Code == "": // the server's own page: the web application behind the path has not started yet
	case e.Status == http.StatusTooManyRequests, e.Status >= 500, e.Status < 400:
	default:
		return &failure.Error{Kind: failure.Refused, Cause: e}
	}
	return &failure.Error{Kind: failure.Unavailable, Cause: e, Retryable: true}
}

// refused is what to do about a refusal: of the environment's account where it logs in, of a scope or a role elsewhere.
func refused(login bool) string {
	if !login {
		return "give the account of credentials.adminUsername the admin role in the product"
	}
	return "put the product's own admin password into the credentials Secret (a product takes it at its first start and keeps it in its " +
		"database), or change it in the product to the one in the Secret"
}

// unanswered is the failure that a request without an answer is. What another engine said on the way there stands.
func (c *Client) unanswered(doing string, err error) error {
	_, known := failure.As(err)
	switch {
	case known, errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	case isUntrusted(err):
		return &failure.Error{Kind: failure.Refused, Doing: doing, Next: c.Untrusted,
			Cause: fmt.Errorf("%w: the product's certificate is not signed by a CA that the environment trusts, or is not for this name", err)}
	}
	return &failure.Error{Kind: failure.Unavailable, Doing: doing, Cause: err, Retryable: true}
}

// isUntrusted is true for a certificate that no other attempt makes a trusted one.
func isUntrusted(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host)
}

// unwrapURL drops the address from a transport error: the caller names product and path.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
