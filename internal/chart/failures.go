package chart

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"lockstep/internal/failure"
	"lockstep/internal/outbound"
)

// Reasons of this package's failures.
const (
	NotFound        = "ChartNotFound"   // no such repository, chart or folder
	VersionNotFound = "VersionNotFound" // the chart is there, the version is not
	Invalid         = "ChartInvalid"    // it cannot be read, or is not what it should be
	Forbidden       = "Forbidden"       // a repository or registry refuses the request
	Insecure        = "Insecure"        // it would be reached without TLS, or is no address that a worker asks
	Unreachable     = "Unreachable"     // a repository or registry does not answer
)

// failed makes a failure that no other attempt mends. The cause is written as for [fmt.Errorf].
func failed(reason, next, format string, args ...any) *failure.Error {
	kinds := map[string]failure.Kind{NotFound: failure.NotFound, VersionNotFound: failure.NotFound, Invalid: failure.InvalidConfig, Forbidden: failure.Unauthorized, Insecure: failure.InvalidConfig}
	return &failure.Error{Kind: kinds[reason], Reason: reason, Cause: fmt.Errorf(format, args...), Next: next}
}

// unavailable makes a failure of a repository or registry that may work again later.
func unavailable(next, format string, args ...any) *failure.Error {
	e := failure.Transient(failure.Unavailable, format, args...)
	e.Reason, e.Next = Unreachable, next
	return e
}

func invalid(err error) error {
	return failed(Invalid, "check that it is a packaged Helm chart", "reading chart: %s", oneLine(err))
}

// notReached explains that an address gave no answer.
func notReached(address string, err error) error {
	address = outbound.Shown(address)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("getting %s: %w", address, context.Canceled)
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err // without the mirror's address, which is not what the user wrote
	}
	if insecure(err) {
		return failed(Insecure, "use an address with TLS, or ask whoever runs the worker for a mirror or for plainHTTP of the cluster", "getting %s: %w", address, err)
	}
	return unavailable("check that the worker reaches it, or set a mirror", "getting %s: %w", address, err)
}

// insecure says of an error that it stays so however often one tries.
func insecure(err error) bool {
	var plain *outbound.PlainHTTPError
	return errors.As(err, &plain) || errors.Is(err, outbound.ErrLinkLocal) || errors.Is(err, http.ErrSchemeMismatch)
}

// noSuchVersion lists the versions that there are, at most five, in the order given.
func noSuchVersion(what, version string, versions []string) error {
	next := "it has none"
	if len(versions) > 0 {
		shown, more := versions, ""
		if len(versions) > 5 {
			shown, more = versions[:5], ", …"
		}
		next = "set chart.version to one of " + strings.Join(shown, ", ") + more
	}
	return failed(VersionNotFound, next, "%s has no version %q", what, version)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
