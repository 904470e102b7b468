package verify

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"lockstep/internal/failure"
	"lockstep/internal/rest"
)

func TestAVerificationThatMeetsAnotherStartsAnewAFewTimes(t *testing.T) {
	answer := func(kind failure.Kind, status int) error {
		return fmt.Errorf("creating: %w", &failure.Error{Kind: kind, Cause: &rest.Error{Product: "API Manager", Status: status, Code: "900300"}})
	}
	for name, c := range map[string]struct {
		err     error
		attempt int32
		kind    failure.Kind
		final   bool
	}{
		"a name that is taken":        {answer(failure.Conflict, http.StatusConflict), 1, failure.Unavailable, false},
		"an API that is gone":         {answer(failure.Refused, http.StatusNotFound), 2, failure.Unavailable, false},
		"a name that stays taken":     {answer(failure.Conflict, http.StatusConflict), 3, failure.Conflict, true},
		"an API that stays away":      {answer(failure.Refused, http.StatusNotFound), 3, failure.Refused, true},
		"a request that is refused":   {answer(failure.Refused, http.StatusBadRequest), 1, failure.Refused, true},
		"a link that does not hold":   {broken("no"), 1, failure.Refused, true},
		"a product that is not there": {failure.Transient(failure.Unavailable, "%w", errors.New("EOF")), 9, failure.Unavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Anew(c.err, c.attempt); failure.KindOf(err) != c.kind || failure.IsRetryable(err) == c.final {
				t.Errorf("got %v of kind %s", err, failure.KindOf(err))
			}
		})
	}
}
