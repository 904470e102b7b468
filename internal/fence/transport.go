package fence

import (
	"context"
	"io"
	"net/http"
)

// Transport refuses each request whose context's lease is over, and breaks off the body of one that is being sent. Default for next:
// [http.DefaultTransport].
func Transport(next http.RoundTripper) http.RoundTripper {
	return &transport{next: orDefault(next)}
}

// Bound is Transport for clients that know no contexts, as Helm's: every request is under the lease of ctx, and ends with it. The end
// of ctx itself refuses nothing: who is asked to stop may still put on record that he did.
func Bound(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return &transport{next: orDefault(next), bound: of(ctx)}
}

func orDefault(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		return http.DefaultTransport
	}
	return next
}

type transport struct {
	next  http.RoundTripper
	bound *Lease
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	lease := t.bound
	if lease == nil {
		lease = of(request.Context())
	}
	if lease == nil {
		return t.next.RoundTrip(request)
	}
	if err := lease.Err(); err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	ctx := request.Context()
	if t.bound != nil {
		ctx = ending(ctx, lease)
	}
	response, err := t.next.RoundTrip(guarded(request.WithContext(ctx), lease))
	if err != nil && lease.over() != nil {
		return nil, lease.over()
	}
	return response, err
}

// ending is ctx that also ends with the lease.
func ending(ctx context.Context, lease *Lease) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	lease.OnEnd(cancel) // an attempt ends its lease when it ends, so nothing is left behind
	return ctx
}

// guarded is the request with a body that cannot be read to its end once the lease is over. The request is the caller's copy.
func guarded(request *http.Request, lease *Lease) *http.Request {
	if request.Body == nil || request.Body == http.NoBody {
		return request
	}
	request.Body = &body{request.Body, lease}
	if again := request.GetBody; again != nil {
		request.GetBody = func() (io.ReadCloser, error) {
			reader, err := again()
			if err != nil {
				return nil, err
			}
			return &body{reader, lease}, nil
		}
	}
	return request
}

type body struct {
	io.ReadCloser
	lease *Lease
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.lease.Err(); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if lost := b.lease.Err(); lost != nil {
		return 0, lost
	}
	return n, err
}

// WrappedRoundTripper gives what is below, for clients that look for the TLS settings there.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// CloseIdleConnections closes those below.
func (t *transport) CloseIdleConnections() {
	if below, can := t.next.(interface{ CloseIdleConnections() }); can {
		below.CloseIdleConnections()
	}
}
