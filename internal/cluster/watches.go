package cluster

import (
	"context"
	"net/http"
)

type openedKey struct{}

// WithOpened gives a context under which opened is called for each watch that the API server opens. Informers report only what failed.
func WithOpened(ctx context.Context, opened func()) context.Context {
	return context.WithValue(ctx, openedKey{}, opened)
}

// watchesTransport tells who asked for it of opened watches.
func watchesTransport(next http.RoundTripper) http.RoundTripper { return watches{next} }

type watches struct{ http.RoundTripper }

func (w watches) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.RoundTripper.RoundTrip(request)
	opened, _ := request.Context().Value(openedKey{}).(func())
	if opened != nil && err == nil && response.StatusCode == http.StatusOK && request.URL.Query().Has("watch") {
		opened()
	}
	return response, err
}

// WrappedRoundTripper lets client-go find what is under it.
func (w watches) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }
