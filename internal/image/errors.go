package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Kinds of failure, for errors.Is. Only ErrUnavailable is worth another attempt without a change.
var (
	ErrUnauthorized      = errors.New("not authorized")
	ErrNotFound          = errors.New("not found")
	ErrChecksum          = errors.New("checksum mismatch")
	ErrUnavailable       = errors.New("unavailable")
	ErrInvalid           = errors.New("invalid")
	ErrDeleteUnsupported = errors.New("the registry does not delete")
)

// Error is a failure of one kind with the operator's next move.
type Error struct {
	Kind     error // one of the kinds above
	Doing    string
	Cause    error
	NextMove string
}

func (e *Error) Error() string { return e.Doing + ": " + e.Cause.Error() + "; " + e.NextMove }

// Unwrap gives kind and cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }

func invalid(doing, next, format string, args ...any) error {
	return &Error{Kind: ErrInvalid, Doing: doing, Cause: fmt.Errorf(format, args...), NextMove: next}
}

// registryError tells the kinds of registry errors apart. field is the setting that names the image.
func registryError(doing, host, field string, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	}
	out := &Error{Kind: kindOf(err), Doing: doing, Cause: redact(err)}
	switch out.Kind {
	case ErrUnauthorized:
		out.NextMove = fmt.Sprintf("log the worker in to %s or name credentials for it (image.pullSecret, image.credentials); "+
			"some registries also answer so when the repository of %s does not exist", host, field)
	case ErrNotFound:
		out.NextMove = fmt.Sprintf("correct %s, or put that image there", field)
	case ErrUnavailable:
		out.NextMove = fmt.Sprintf("check that the worker reaches %s; it is worth another attempt", host)
	default:
		out.NextMove = fmt.Sprintf("check %s and what %s accepts", field, host)
	}
	return out
}

func kindOf(err error) error {
	var answer *transport.Error
	var refused *plainHTTPError
	var network net.Error
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return ErrInvalid
	case errors.As(err, &refused):
		return ErrInvalid
	case errors.As(err, &answer):
		return kindOfAnswer(answer)
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "error verifying"):
		return ErrUnavailable
	}
	return ErrInvalid
}

func kindOfAnswer(answer *transport.Error) error {
	for _, d := range answer.Errors {
		switch d.Code {
		case transport.UnauthorizedErrorCode, transport.DeniedErrorCode:
			return ErrUnauthorized
		case transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode, transport.BlobUnknownErrorCode:
			return ErrNotFound
		}
	}
	return kindOfStatus(answer.StatusCode)
}

func kindOfStatus(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return ErrUnauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return ErrUnavailable
	}
	return ErrInvalid
}

// redact drops the queries of addresses: redirects to object stores carry signatures there.
func redact(err error) error {
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
