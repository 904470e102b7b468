package apimtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lockstep/sandbox/carbon/contract"
)

// traffic notes what is sent and holds it against the OpenAPI files.
type traffic struct {
	next http.RoundTripper

	mu     sync.Mutex
	before func(*http.Request) error
	sent   []string
	keys   []string // of OAuth clients that were made
}

func watch(t testing.TB, next http.RoundTripper) *traffic {
	t.Helper()
	specs, err := loadSpecs()
	if errors.Is(err, contract.ErrNoFiles) {
		t.Log("requests and answers are not checked against their specifications: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	return &traffic{next: &contract.Transport{Base: next, Specs: specs, Report: func(err error) { t.Error(err) }, Deviates: deviates}}
}

// loadSpecs loads the files once per process: the publisher's takes a second.
var loadSpecs = sync.OnceValues(func() (map[string]*contract.Spec, error) {
	specs := map[string]*contract.Spec{}
	for base, file := range map[string]string{
		"/api/am/admin/v4": "apim-4.7.0-admin-api.yaml", "/api/am/publisher/v4": "apim-4.7.0-publisher-api.yaml",
		"/api/am/devportal/v3": "apim-4.7.0-devportal-api.yaml", "/api/identity/oauth2/dcr/v1.1": "is-dcr-v1.1-openapi.yaml",
	} {
		spec, err := contract.Load(file)
		if err != nil {
			return nil, err
		}
		specs[base] = spec
	}
	return specs, nil
})

// deviates knows where API Manager itself is not what its specification says: a revision is deployed with a 201, not a 200 (WSO2's
// own tests assert it), and keyManagers of an API is an array, not an object.
func deviates(r *http.Request, status int, body []byte) ([]byte, bool) {
	if strings.HasSuffix(r.URL.Path, "/deploy-revision") && status == http.StatusCreated {
		return nil, true
	}
	object := map[string]any{}
	if !strings.HasPrefix(r.URL.Path, "/api/am/publisher/v4/apis") || json.Unmarshal(body, &object) != nil || object["keyManagers"] == nil {
		return body, false
	}
	delete(object, "keyManagers")
	changed, err := json.Marshal(object)
	return changed, err != nil
}

// RoundTrip sends a request.
func (w *traffic) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.sent = append(w.sent, r.Method+" "+r.URL.Path)
	before := w.before
	w.mu.Unlock()
	if before != nil {
		if err := before(r); err != nil {
			return nil, err
		}
	}
	response, err := w.next.RoundTrip(r)
	if err == nil && strings.HasSuffix(r.URL.Path, "/generate-keys") {
		err = w.note(response)
	}
	return response, err
}

func (w *traffic) note(response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	var made struct{ ConsumerKey string }
	if json.Unmarshal(body, &made) == nil && made.ConsumerKey != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.keys = append(w.keys, made.ConsumerKey)
	}
	return nil
}

func (w *traffic) consumerKeys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.keys...)
}
