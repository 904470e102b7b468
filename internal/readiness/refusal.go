package readiness

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"lockstep/internal/cluster"
)

// refusalGrace is for how long a watch may be answered with 401 or 403: an API server that has just started refuses all until it has
// read the cluster's RBAC.
const refusalGrace = 30 * time.Second

// refusal is for how long the API server has answered an informer with nothing but 401 or 403. It is safe for concurrent use.
type refusal struct {
	mu            sync.Mutex
	err           error // the newest; nil: none since something else came
	first, newest time.Time
}

// with makes a watch that is opened under the context end the refusal. A list alone does not: every try begins with one, also
// those of an account that may list and not watch.
func (r *refusal) with(ctx context.Context) context.Context {
	return cluster.WithOpened(ctx, r.passed)
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
