package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// patience is how long nothing may move on a request. Before a server answers to what it was sent it may take thinking times that: a registry
// reads a layer anew, or copies it to where it keeps it.
const (
	patience = time.Minute
	thinking = 10
)

// ErrStalled ends a request on which nothing moved for too long.
var ErrStalled = errors.New("no byte came or went for a minute, or for ten minutes after everything was sent")

// patient ends requests on which nothing moves. It does not bound how long one takes: layers are large. Time that others take, to bring
// what is sent or to take what came, does not count.
type patient struct {
	next     http.RoundTripper
	patience time.Duration
}

// RoundTrip implements [http.RoundTripper].
func (p *patient) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	first := p.patience
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		first *= thinking
	}
	w := &watch{timer: time.AfterFunc(first, func() { cancel(ErrStalled) }), patience: p.patience, ctx: ctx, cancel: cancel}
	request = request.Clone(ctx)
	if request.Body != nil && request.Body != http.NoBody {
		request.Body = &sent{request.Body, w}
	}
	response, err := p.next.RoundTrip(request)
	w.timer.Stop()
	if err != nil {
		cancel(nil)
		return nil, w.cause(err)
	}
	response.Body = &received{response.Body, w}
	return response, nil
}

// CloseIdleConnections closes those below.
func (p *patient) CloseIdleConnections() { closeIdle(p.next) }

// watch is over one request.
type watch struct {
	timer    *time.Timer
	patience time.Duration
	ctx      context.Context
	cancel   context.CancelCauseFunc
}

func (w *watch) cause(err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(w.ctx), ErrStalled) {
		return ErrStalled
	}
	return err
}

// sent is a body on its way: the time from one read to the next is the network's.
type sent struct {
	io.ReadCloser
	*watch
}

func (s *sent) Read(p []byte) (int, error) {
	s.timer.Stop()
	n, err := s.ReadCloser.Read(p)
	if err != nil { // all is sent
		s.timer.Reset(thinking * s.patience)
	} else {
		s.timer.Reset(s.patience)
	}
	return n, err
}

// received is a body that comes: the time of a read is the network's.
type received struct {
	io.ReadCloser
	*watch
}

func (r *received) Read(p []byte) (int, error) {
	r.timer.Reset(r.patience)
	defer r.timer.Stop()
	n, err := r.ReadCloser.Read(p)
	return n, r.cause(err)
}

func (r *received) Close() error {
	defer r.cancel(nil)
	return r.ReadCloser.Close()
}
