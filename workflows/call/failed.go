package call

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/failure"
)

// KindOf is the kind of the failure that an activity ended with, or "" if it did not end with one.
func KindOf(err error) failure.Kind {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return ""
	}
	return failure.Kind(app.Type())
}

// Failed is the error of a step that fails without an activity. No other attempt mends it.
func Failed(kind failure.Kind, text string) error {
	return temporal.NewNonRetryableApplicationError(text, string(kind), nil)
}
