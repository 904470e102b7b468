package attempt

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"lockstep/internal/failure"
	"lockstep/internal/fence"
)

func TestOnlyAnAttemptThatIsNotTheLastPromisesAnother(t *testing.T) {
	for n, want := range map[int32]string{
		1: "the worker stood still: it was stopped and changes nothing more, another attempt goes on from what it finds",
		2: "the worker stood still: it was stopped and changes nothing more; it was the last of the 2 attempts of ApplyRelease. " +
			"Next: check that a worker keeps running and reaches Temporal, then start the operation again",
	} {
		a := &attempt{lease: fence.New(fence.Options{})}
		a.info.ActivityType.Name, a.info.Attempt, a.info.RetryPolicy = "ApplyRelease", n, &temporal.RetryPolicy{MaximumAttempts: 2}
		a.lease.End("the worker stood still")
		var app *temporal.ApplicationError
		if err := a.explain(context.Canceled); !errors.As(err, &app) || app.Type() != string(failure.Unavailable) || !strings.HasPrefix(app.Message(), want) {
			t.Errorf("attempt %d: %v", n, err)
		}
	}
}
