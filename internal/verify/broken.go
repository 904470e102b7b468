package verify

import (
	"net/http"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

// LinkBroken is the reason of a failure that names a link of the arc which does not hold although both products answer.
const LinkBroken = "LinkBroken"

func broken(format string, args ...any) error {
	e := failure.Final(failure.Refused, format, args...)
	e.Reason = LinkBroken
	return e
}

// fresh is how often a verification may meet things that are gone or there already before that is final.
const fresh = 3

// Anew lets a verification start again, with names of its own, when what it made is gone or there already: an attempt that was given
// up may have been in its way, and the products' lists and caches are behind. All else passes as it is.
func Anew(err error, attempt int32) error {
	if attempt >= fresh || failure.ReasonOf(err) == LinkBroken {
		return err
	}
	switch rest.Status(err) {
	case http.StatusNotFound, http.StatusConflict:
		return failure.Transient(failure.Unavailable, "%w", err)
	}
	return err
}
