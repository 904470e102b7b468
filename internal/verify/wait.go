package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"lockstep/internal/rest"
)

// Waits say how long the products may take to pass on what they know: the gateway loads APIs and revocations asynchronously. Zero is
// the default.
type Waits struct {
	Published time.Duration // until the gateway lets calls of a new API through; default 60s
	Revoked   time.Duration // until it refuses a revoked token; default 45s
	Poll      time.Duration // between two calls; default 500ms
}

func (w Waits) orDefault() Waits {
	return Waits{
		Published: cmp.Or(w.Published, 60*time.Second), Revoked: cmp.Or(w.Revoked, 45*time.Second), Poll: cmp.Or(w.Poll, 500*time.Millisecond),
	}
}

// until polls until check is satisfied. The last answer explains a failure; a cancelled context is not one.
func (a *Arc) until(ctx context.Context, limit time.Duration, check func() (ok bool, state string)) (state string, ok bool, err error) {
	waits := a.Waits.orDefault()
	for end := time.Now().Add(limit); ; {
		ok, now := check()
		if errors.Is(ctx.Err(), context.Canceled) {
			return state, false, ctx.Err()
		}
		if ctx.Err() == nil || state == "" {
			state = now // what a call says that ran out of time is no answer
		}
		if ok || ctx.Err() != nil || time.Now().After(end) {
			return state, ok, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(waits.Poll):
		}
	}
}

// answered is what describe says of a call that went through.
const answered = "200"

// describe is the answer of the gateway as a person would say it.
func describe(err error) string {
	if err == nil {
		return answered
	}
	if status := rest.Status(err); status != 0 {
		return fmt.Sprintf("%d %s", status, rest.Code(err))
	}
	return err.Error()
}
