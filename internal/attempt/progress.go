package attempt

import (
	"context"

	"go.temporal.io/sdk/activity"

	"lockstep/internal/redact"
)

// Progress gives the function by which an activity says what it is doing. The text reaches Temporal and is kept there, without the
// secrets that the activity knows.
func Progress(ctx context.Context) func(string) {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return func(string) {}
	}
	return func(text string) {
		text = redact.Text(ctx, text)
		if a.text.Swap(text) != text {
			activity.RecordHeartbeat(a.alive, text)
		}
	}
}
