// Package bounded keeps an API server, and whoever answers in its place, from taking the worker's memory and time.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// What an answer of an API server may have: bytes, and silence. Somebody may answer in its place, as a proxy does, and one cluster shall not take the worker's
// memory and time from the others. The API server itself ends requests after a minute.
const (
	Most     = 64 << 20 // bytes; client-go reads an answer whole, whatever its size
	patience = 90 * time.Second
)

// errStalled ends a request on which nothing moves.
var errStalled = errors.New("no byte of an answer came for " + patience.String())

// Transport ends requests whose answers do not end, and those that are not answered. What is asked for as long as it comes, as watches
// and connections to pods are, it leaves alone: client-go bounds the events of watches.
func Transport(next http.RoundTripper) http.RoundTripper {
	return bounded{next, Most, patience}
}

type bounded struct {
	http.RoundTripper
	most     int64
	patience time.Duration
}

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	if query := request.URL.Query(); query.Has("watch") || query.Has("follow") || request.Header.Get("Upgrade") != "" {
		return b.RoundTripper.RoundTrip(request)
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(b.patience, func() { cancel(errStalled) })
	response, err := b.RoundTripper.RoundTrip(request.WithContext(ctx))
	if err != nil {
		timer.Stop()
		defer cancel(nil)
		return nil, stalled(ctx, err)
	}
	response.Body = &answer{ReadCloser: response.Body, left: b.most, most: b.most, patience: b.patience, timer: timer, ctx: ctx, cancel: cancel}
	return response, nil
}

// WrappedRoundTripper lets client-go find what is under it.
func (b bounded) WrappedRoundTripper() http.RoundTripper { return b.RoundTripper }

func stalled(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// answer is a body that comes.
type answer struct {
	io.ReadCloser
	left, most int64
	patience   time.Duration
	timer      *time.Timer
	ctx        context.Context
	cancel     context.CancelCauseFunc
}

func (a *answer) Read(p []byte) (int, error) {
	if a.left < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", a.most>>20)
	}
	a.timer.Reset(a.patience)
	n, err := a.ReadCloser.Read(p[:min(int64(len(p)), a.left+1)])
	a.left -= int64(n)
	if a.left < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", a.most>>20)
	}
	if err != nil && err != io.EOF {
		err = stalled(a.ctx, err)
	}
	return n, err
}

func (a *answer) Close() error {
	a.timer.Stop()
	defer a.cancel(nil)
	return a.ReadCloser.Close()
}
