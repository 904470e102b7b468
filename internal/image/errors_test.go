package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/internal/failure"
)

func TestOnlyWhatPassesIsWorthAnotherAttempt(t *testing.T) {
	answer := func(method string, status int, code transport.ErrorCode) error {
		e := &transport.Error{StatusCode: status, Request: &http.Request{Method: method}}
		if code != "" {
			e.Errors = []transport.Diagnostic{{Code: code}}
		}
		return fmt.Errorf("pushing: %w", e)
	}
	for name, c := range map[string]struct {
		err  error
		want failure.Kind
	}{
		"an upload that is lost":                 {answer("PATCH", 404, transport.BlobUploadUnknownErrorCode), failure.Unavailable},
		"an upload that went wrong":              {answer("PUT", 400, transport.BlobUploadInvalidErrorCode), failure.Unavailable},
		"an upload that was cut":                 {answer("PUT", 400, transport.SizeInvalidErrorCode), failure.Unavailable},
		"an upload out of step":                  {answer("PATCH", 416, ""), failure.Unavailable},
		"a layer that is not seen yet":           {answer("PUT", 400, transport.ManifestBlobUnknownErrorCode), failure.Unavailable},
		"a pushed blob that is not seen yet":     {answer("PUT", 404, transport.BlobUnknownErrorCode), failure.Unavailable},
		"a pushed manifest that is not seen yet": {answer("PUT", 404, transport.ManifestUnknownErrorCode), failure.Unavailable},
		"a blob that is not there":               {answer("GET", 404, transport.BlobUnknownErrorCode), failure.NotFound},
		"an image that is not there":             {answer("GET", 404, transport.ManifestUnknownErrorCode), failure.NotFound},
		"a repository that is not there":         {answer("POST", 404, transport.NameUnknownErrorCode), failure.NotFound},
		"a manifest that is refused":             {answer("PUT", 400, transport.ManifestInvalidErrorCode), failure.InvalidConfig},
		"a stream that is reset":                 {errors.New("stream error: stream ID 7; INTERNAL_ERROR; received from peer"), failure.Unavailable},
		"a server that goes away":                {errors.New("http2: server sent GOAWAY and closed the connection"), failure.Unavailable},
		"a body that ends early":                 {io.ErrUnexpectedEOF, failure.Unavailable},
		"a name server that does not answer":     {&net.DNSError{Err: "server misbehaving", IsTemporary: true}, failure.Unavailable},
		"a host that does not exist":             {&net.DNSError{Err: "no such host", IsNotFound: true}, failure.InvalidConfig},
		"plain HTTP from a TLS port":             {http.ErrSchemeMismatch, failure.InvalidConfig},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindOf(c.err); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Absence is an answer too: a host that does not exist must not be taken for a registry without the tag.
func TestAHostThatDoesNotExistIsNamed(t *testing.T) {
	builder := New(Options{HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
	})}})
	_, err := builder.Look(context.Background(), "typo.example.com/team/is-km:1", nil)
	if !failure.Is(err, failure.InvalidConfig) || !strings.Contains(err.Error(), "correct the registry that image.target names") {
		t.Errorf("got %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
