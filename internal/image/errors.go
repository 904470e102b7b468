package image

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"lockstep/internal/failure"
	"lockstep/internal/outbound"
)

func invalid(doing, next, format string, args ...any) error {
	return &failure.Error{Kind: failure.InvalidConfig, Doing: doing, Cause: fmt.Errorf(format, args...), Next: next}
}

// registryError tells the kinds of registry errors apart. field is the setting that names the image.
func registryError(doing, host, field string, err error) error {
	_, known := failure.As(err)
	switch {
	case err == nil || known:
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	kind := kindOf(err)
	out := &failure.Error{Kind: kind, Doing: doing, Cause: withoutQuery(err), Retryable: kind == failure.Unavailable}
	switch {
	case isWrongHost(err):
		out.Next = fmt.Sprintf("correct the registry that %s names or the mirror of %s: the worker's name servers know no such host", field, host)
	case out.Kind == failure.Unauthorized:
		out.Next = fmt.Sprintf("log the worker in to %s or name credentials for it (image.pullSecret, image.credentials); "+
			"some registries also answer so when the repository of %s does not exist", host, field)
	case out.Kind == failure.NotFound:
		out.Next = fmt.Sprintf("correct %s, or put that image there", field)
	case out.Kind == failure.Unavailable:
		out.Next = fmt.Sprintf("check that the worker reaches %s; it is worth another attempt", host)
	default:
		out.Next = fmt.Sprintf("check %s and what %s accepts", field, host)
	}
	return out
}

// kindOf takes what is no answer for a connection that broke: it can end in many ways, and each is worth another attempt.
func kindOf(err error) failure.Kind {
	var answer *transport.Error
	switch {
	case errors.As(err, &answer): // first: where plain HTTP is allowed, TLS was tried before
		return kindOfAnswer(answer)
	case isWrongHost(err), isMistaken(err):
		return failure.InvalidConfig
	}
	return failure.Unavailable
}

func kindOfAnswer(answer *transport.Error) failure.Kind {
	for _, d := range answer.Errors {
		switch d.Code {
		case transport.UnauthorizedErrorCode, transport.DeniedErrorCode:
			return failure.Unauthorized
		case transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode, transport.SizeInvalidErrorCode, transport.ManifestBlobUnknownErrorCode:
			return failure.Unavailable // the registry lost an upload, or one of its nodes has not heard of it
		case transport.ManifestUnknownErrorCode, transport.BlobUnknownErrorCode:
			if isWrite(answer.Request) {
				return failure.Unavailable // so is a part of what is pushed
			}
			return failure.NotFound
		case transport.NameUnknownErrorCode:
			return failure.NotFound
		}
	}
	return kindOfStatus(answer.StatusCode)
}

func isWrite(request *http.Request) bool {
	return request != nil && slices.Contains([]string{http.MethodPost, http.MethodPatch, http.MethodPut}, request.Method)
}

// isWrongHost is true for a name that no name server knows.
func isWrongHost(err error) bool {
	var unknown *net.DNSError
	return errors.As(err, &unknown) && unknown.IsNotFound
}

// isMistaken is true for what stays as it is: the server is not the one that is meant, or what it keeps is no image.
func isMistaken(err error) bool {
	var refused *outbound.PlainHTTPError
	var untrusted *tls.CertificateVerificationError
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	for _, target := range []any{&refused, &untrusted, &syntax, &form} {
		if errors.As(err, target) {
			return true
		}
	}
	for _, known := range []error{outbound.ErrLinkLocal, http.ErrSchemeMismatch, gzip.ErrHeader, tar.ErrHeader, remote.ErrSchema1} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

func kindOfStatus(status int) failure.Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return failure.Unauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		return failure.NotFound
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout,
		status == http.StatusRequestedRangeNotSatisfiable, status >= 500:
		return failure.Unavailable
	}
	return failure.InvalidConfig
}

// withoutQuery drops the queries of addresses: redirects to object stores carry signatures there.
func withoutQuery(err error) error {
	var failed *url.Error
	if !errors.As(err, &failed) {
		return err
	}
	parsed, perr := url.Parse(failed.URL)
	if perr != nil || parsed.RawQuery == "" && parsed.User == nil {
		return err
	}
	parsed.RawQuery, parsed.User = "", nil
	return errors.New(strings.ReplaceAll(err.Error(), failed.URL, parsed.String()))
}
