package activities

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/rest"
	"lockstep/internal/verify"
)

func TestAVerificationThatMeetsAnotherStartsAnewAFewTimes(t *testing.T) {
	answer := func(status int) error {
		return fmt.Errorf("creating: %w", &rest.Error{Product: "API Manager", Status: status, Code: "900300"})
	}
	for name, c := range map[string]struct {
		err     error
		attempt int32
		kind    string
		final   bool
	}{
		"a name that is taken":        {answer(http.StatusConflict), 1, TypeUnavailable, false},
		"an API that is gone":         {answer(http.StatusNotFound), 2, TypeUnavailable, false},
		"a name that stays taken":     {answer(http.StatusConflict), 3, TypeConflict, true},
		"an API that stays away":      {answer(http.StatusNotFound), 3, TypeRefused, true},
		"a request that is refused":   {answer(http.StatusBadRequest), 1, TypeRefused, true},
		"a link that does not hold":   {&verify.Broken{}, 1, TypeRefused, true},
		"a product that is not there": {errors.New("EOF"), 9, TypeUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			var app *temporal.ApplicationError
			if err := classifyVerify(c.err, c.attempt); !errors.As(err, &app) || app.Type() != c.kind || app.NonRetryable() != c.final {
				t.Errorf("got %v", err)
			}
		})
	}
}
