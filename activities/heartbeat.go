package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

const heartbeatEvery = 4 * time.Second

// Heartbeats is a worker interceptor that keeps every activity alive from a background ticker, shows its last progress text in
// Temporal, and ends its context a little before its time is over. Cancellation of an activity reaches its context through the same heartbeats.
type Heartbeats struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (*Heartbeats) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &beating{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type beating struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (b *beating) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	h := &heart{}
	h.text.Store("")
	done := make(chan struct{})
	defer close(done)
	go h.beat(ctx, done)
	ctx, cancel := diagnosable(ctx)
	defer cancel()
	return b.Next.ExecuteActivity(context.WithValue(ctx, heartKey{}, h), in)
}

type heartKey struct{}

// heart holds the last progress text of one activity.
type heart struct{ text atomic.Value }

func (h *heart) beat(ctx context.Context, done <-chan struct{}) {
	ticker := time.NewTicker(heartbeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
			activity.RecordHeartbeat(ctx, h.text.Load())
		}
	}
}

// progress gives the function by which an activity says what it is doing. The text reaches Temporal and is kept there: no secret
// may be in it.
func progress(ctx context.Context) func(string) {
	h, ok := ctx.Value(heartKey{}).(*heart)
	if !ok {
		return func(string) {}
	}
	return func(text string) {
		if h.text.Swap(text) != text {
			activity.RecordHeartbeat(ctx, text)
		}
	}
}

// diagnosable ends ctx a little before Temporal gives the activity up, which would leave no word of why.
func diagnosable(ctx context.Context) (context.Context, context.CancelFunc) {
	const margin = 5 * time.Second
	deadline := activity.GetInfo(ctx).Deadline
	if time.Until(deadline) > 4*margin {
		deadline = deadline.Add(-margin)
	}
	return context.WithDeadline(ctx, deadline)
}
