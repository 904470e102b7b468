package activities

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/fence"
)

func TestOnlyAnAttemptThatIsNotTheLastPromisesAnother(t *testing.T) {
	for attempt, want := range map[int32]string{
		1: "the worker stood still: it was stopped and changes nothing more, another attempt goes on from what it finds",
		2: "the worker stood still: it was stopped and changes nothing more; it was the last of the 2 attempts of ApplyRelease. " +
			"Next: see that a worker stays and reaches Temporal, then start the operation again",
	} {
		h := &heart{lease: fence.New(fence.Options{})}
		h.info.ActivityType.Name, h.info.Attempt, h.info.RetryPolicy = "ApplyRelease", attempt, &temporal.RetryPolicy{MaximumAttempts: 2}
		h.lease.End("the worker stood still")
		var app *temporal.ApplicationError
		if err := h.explain(context.Canceled); !errors.As(err, &app) || app.Type() != TypeUnavailable || !strings.HasPrefix(app.Message(), want) {
			t.Errorf("attempt %d: %v", attempt, err)
		}
	}
}
