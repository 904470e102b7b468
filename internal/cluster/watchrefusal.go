package cluster

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// refusal is for how long the API server has answered an informer with nothing but 401 or 403. It is safe for concurrent use.
type refusal struct {
	mu            sync.Mutex
	err           error // the newest; nil: none since something else came
	first, newest time.Time
}

type refusalKey struct{}

// with makes a watch that is opened under the context end the refusal. A list alone does not: every try begins with one, also
// those of an account that may list and not watch.
func (r *refusal) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, refusalKey{}, r)
}

// failed takes down why the informer's newest try failed.
func (r *refusal) failed(err error, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		r.err = nil
		return
	}
	if r.err == nil {
		r.first = at
	}
	r.err, r.newest = err, at
}

func (r *refusal) passed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = nil
}

// lasting is the refusal once it has lasted for the grace. What counts is when tries failed, not the time since: between two tries
// of an informer may be a minute.
func (r *refusal) lasting(grace time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil || r.newest.Sub(r.first) < grace {
		return nil
	}
	return r.err
}

// refused is the first refusal that has lasted for the grace.
func refused(refusals []*refusal, grace time.Duration) error {
	for _, r := range refusals {
		if err := r.lasting(grace); err != nil {
			return err
		}
	}
	return nil
}

// watchesTransport tells refusals of opened watches: informers report only what failed.
func watchesTransport(next http.RoundTripper) http.RoundTripper { return watches{next} }

type watches struct{ http.RoundTripper }

func (w watches) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.RoundTripper.RoundTrip(request)
	r, _ := request.Context().Value(refusalKey{}).(*refusal)
	if r != nil && err == nil && response.StatusCode == http.StatusOK && request.URL.Query().Has("watch") {
		r.passed()
	}
	return response, err
}

// WrappedRoundTripper lets client-go find what is under it.
func (w watches) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }

// renewable makes a 401 one that passes where the kubeconfig was written anew since it was read: the next try reads it.
func (c *Client) renewable(err error) error {
	var known *Error
	if !errors.As(err, &known) || known.Kind != Unauthorized || c.outdated == nil || !c.outdated() {
		return err
	}
	return &Error{Kind: Unavailable, Doing: known.Doing, Err: known.Err, Next: "run again: the kubeconfig was changed in the meantime and is read anew"}
}
