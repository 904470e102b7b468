package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

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

// Unfit is an answer with an accepted status which shows that server or account are not what is needed. Asking again does not change it.
type Unfit struct{ err error }

func (u *Unfit) Error() string { return u.err.Error() }

// Unwrap gives the cause, if there is one.
func (u *Unfit) Unwrap() error { return u.err }

// Unfitting makes an [Unfit] as [fmt.Errorf] makes errors.
func Unfitting(format string, args ...any) error { return &Unfit{fmt.Errorf(format, args...)} }

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

// refusal reads the error forms of both products: code/message/description/error[] of the REST APIs, error/error_description of OAuth,
// and the plain text of proxies. Pages are left out: they say nothing.
func (c *Client) refusal(r Request, response *http.Response, body []byte) error {
	e := &Error{Product: c.Product, Method: r.Method, Path: r.Path, Status: response.StatusCode}
	var form struct {
		Code             any    `json:"code"`
		Message          string `json:"message"`
		Description      string `json:"description"`
		Error            any    `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	switch kind := response.Header.Get("Content-Type"); {
	case json.Unmarshal(body, &form) == nil:
		e.Code, e.Message = code(form.Code, form.Error), sentence(append([]string{form.Message, form.Description, form.ErrorDescription}, details(form.Error)...)...)
	case strings.HasPrefix(kind, "text/plain"):
		e.Message = sentence(strings.Join(strings.Fields(string(body)), " "))
	}
	if target, err := response.Location(); err == nil && e.Message == "" {
		e.Message = "it redirects to " + (&url.URL{Scheme: target.Scheme, Host: target.Host, Path: target.Path}).String()
	}
	e.Code, e.Message = redact(r, e.Code), redact(r, e.Message)
	return e
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

// sentence joins what is said, once each, and keeps it short.
func sentence(texts ...string) string {
	var kept []string
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" && !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	joined := strings.Join(kept, ": ")
	if len(joined) <= maxMessage {
		return joined
	}
	joined = joined[:maxMessage]
	for !utf8.ValidString(joined) {
		joined = joined[:len(joined)-1]
	}
	return joined + "…"
}

// unwrapURL drops the address from a transport error: the caller names product and path.
func unwrapURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
