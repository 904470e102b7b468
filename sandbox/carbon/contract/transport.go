package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Transport checks what passes through it against the specifications of the APIs it knows, and reports what does not fit.
type Transport struct {
	Base   http.RoundTripper
	Specs  map[string]*Spec // by base path, as /api/am/admin/v4
	Report func(error)

	// Deviates says whether an answer is known to differ from its specification, as the product's own does. It may
	// change the body to what is to be checked. May be nil.
	Deviates func(r *http.Request, status int, body []byte) (changed []byte, skip bool)
}

// RoundTrip sends the request.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for base, spec := range t.Specs {
		rest, ok := strings.CutPrefix(r.URL.Path, base)
		if !ok {
			continue
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(body))
		if err := t.check(spec, rest, r, response.StatusCode, body); err != nil {
			t.Report(fmt.Errorf("%s: %w", base, err))
		}
	}
	return response, nil
}

func (t *Transport) check(spec *Spec, rest string, r *http.Request, status int, body []byte) error {
	if t.Deviates != nil {
		changed, skip := t.Deviates(r, status, body)
		if skip {
			return nil
		}
		body = changed
	}
	err := spec.Response(r.Method, rest, status, body)
	if err != nil && status >= 400 && strings.Contains(err.Error(), "is not in the specification") {
		if len(body) == 0 {
			return nil
		}
		return spec.Error(body)
	}
	if status >= 400 || err != nil || r.GetBody == nil {
		return err
	}
	content, err := r.GetBody() // a request that was accepted must have been right
	if err != nil {
		return err
	}
	sent, err := io.ReadAll(content)
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return err
	}
	return spec.Request(r.Method, rest, sent)
}
