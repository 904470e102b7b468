package fence_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockstep/internal/fence"
)

// counted is a server that counts the requests whose bodies arrived whole.
func counted(t *testing.T) (address string, whole *atomic.Int32) {
	t.Helper()
	whole = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, whole
}

func put(ctx context.Context, client *http.Client, address string, body io.Reader) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// clients are the two ways to be under a lease: by the request's context, and without one.
func clients(l *fence.Lease) map[string]func() (context.Context, *http.Client) {
	ctx := fence.With(context.Background(), l)
	return map[string]func() (context.Context, *http.Client){
		"by its context": func() (context.Context, *http.Client) {
			return ctx, &http.Client{Transport: fence.Transport(nil)}
		},
		"bound": func() (context.Context, *http.Client) {
			return context.Background(), &http.Client{Transport: fence.Bound(ctx, nil)}
		},
	}
}

func TestARequestIsRefusedOnceTheLeaseIsOver(t *testing.T) {
	l, c := lease(t)
	for name, with := range clients(l) {
		t.Run(name, func(t *testing.T) {
			address, whole := counted(t)
			ctx, client := with()
			if err := put(ctx, client, address, strings.NewReader("one")); err != nil || whole.Load() != 1 {
				t.Fatalf("under the lease: %v, %d arrived", err, whole.Load())
			}
		})
	}
	c.forward(16 * time.Second)
	for name, with := range clients(l) {
		t.Run(name+", over", func(t *testing.T) {
			address, whole := counted(t)
			ctx, client := with()
			lost(t, put(ctx, client, address, strings.NewReader("two")), "16s")
			if whole.Load() != 0 {
				t.Error("it arrived")
			}
		})
	}
}

func TestAnUploadThatIsCutByTheEndOfTheLeaseDoesNotArrive(t *testing.T) {
	for _, name := range []string{"by its context", "bound"} {
		t.Run(name, func(t *testing.T) {
			l, c := lease(t)
			ctx, client := clients(l)[name]()
			address, whole := counted(t)
			reader, writer := io.Pipe()
			go func() {
				_, _ = writer.Write([]byte("half"))
				c.forward(16 * time.Second) // here the process was frozen
				_, _ = writer.Write([]byte("and half"))
				_ = writer.Close()
			}()
			lost(t, put(ctx, client, address, reader), "16s")
			if whole.Load() != 0 {
				t.Error("it arrived whole")
			}
		})
	}
}

func TestABodyThatIsSentAgainIsUnderTheLeaseToo(t *testing.T) {
	l, c := lease(t)
	var again func() (io.ReadCloser, error)
	spy := roundTripper(func(r *http.Request) (*http.Response, error) {
		again = r.GetBody
		return &http.Response{Body: http.NoBody}, nil
	})
	_ = put(fence.With(t.Context(), l), &http.Client{Transport: fence.Transport(spy)}, "http://product", strings.NewReader("text"))
	c.forward(16 * time.Second)
	body, err := again()
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(body)
	lost(t, err, "16s")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestABoundRequestEndsWithTheLease(t *testing.T) {
	l, c := lease(t)
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	go l.Watch(t.Context(), time.Millisecond)
	go func() {
		<-arrived
		c.forward(16 * time.Second)
	}()
	client := &http.Client{Transport: fence.Bound(fence.With(context.Background(), l), nil)}
	lost(t, put(context.Background(), client, server.URL, nil), "16s")
}

func TestACancelledAttemptMayStillWrite(t *testing.T) {
	l, _ := lease(t)
	address, whole := counted(t)
	ctx, cancel := context.WithCancel(fence.With(context.Background(), l))
	cancel()
	client := &http.Client{Transport: fence.Bound(ctx, nil)}
	if err := put(context.Background(), client, address, strings.NewReader("status: failed")); err != nil || whole.Load() != 1 {
		t.Errorf("%v, %d arrived", err, whole.Load())
	}
}

func TestARequestWithoutALeaseGoesThrough(t *testing.T) {
	address, whole := counted(t)
	for _, transport := range []http.RoundTripper{fence.Transport(nil), fence.Bound(context.Background(), nil)} {
		if err := put(context.Background(), &http.Client{Transport: transport}, address, strings.NewReader("text")); err != nil {
			t.Error(err)
		}
	}
	if whole.Load() != 2 {
		t.Errorf("%d arrived", whole.Load())
	}
}
