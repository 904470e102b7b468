package attempt

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"lockstep/internal/failure"
	"lockstep/internal/fence"
	"lockstep/internal/redact"
)

// Failures is a worker interceptor that tells Temporal what became of an activity: a failure of an engine becomes an application error
// whose type is the failure's kind. It is the innermost one, and the only place where such errors are made. What an activity learns to
// be secret (see [redact.Add]) stays out of them.
type Failures struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (*Failures) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &reporting{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type reporting struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (r *reporting) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (result any, err error) {
	ctx = redact.With(ctx)
	defer func() {
		if cause := recover(); cause != nil {
			activity.GetLogger(ctx).Error("An activity panicked", "panic", redact.Text(ctx, fmt.Sprint(cause)), "stack", string(debug.Stack()))
			result, err = nil, Report(ctx, fmt.Errorf("it panicked: %v", cause))
		}
	}()
	result, err = r.Next.ExecuteActivity(ctx, in)
	return redact.Result(ctx, result), Report(ctx, err)
}

// Report is what Temporal is told of an activity's error.
func Report(ctx context.Context, err error) error {
	var reported *temporal.ApplicationError
	var lost *fence.Lost
	switch {
	case err == nil, errors.Is(err, activity.ErrResultPending), temporal.IsCanceledError(err):
		return err
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return &cancelled{redact.Text(ctx, err.Error())}
	case errors.As(err, &reported):
		return again(ctx, reported)
	case errors.As(err, &lost):
		return unavailable(redact.Text(ctx, err.Error()), 0)
	}
	if kind, retryable, found := weigh(err); found {
		return applicationError(kind, redact.Text(ctx, err.Error()), retryable)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable(redact.Text(ctx, err.Error()), 0)
	}
	unknown := &failure.Error{Kind: failure.Internal, Doing: "activity " + activity.GetInfo(ctx).ActivityType.Name, Cause: err,
		Next: "this is a fault in Lockstep: see the worker's log, and report it with this message"}
	return applicationError(unknown.Kind, redact.Text(ctx, unknown.Error()), true)
}

// weigh finds the failures in an error. Another attempt helps only if it helps all of them, and the first that it does not help says of
// what kind they are.
func weigh(err error) (kind failure.Kind, retryable, found bool) {
	retryable = true
	for e := range failures(err) {
		if !found || retryable && !e.Retryable {
			kind = e.Kind
		}
		found, retryable = true, retryable && e.Retryable
	}
	return kind, retryable, found
}

// failures are the outermost in the tree of an error.
func failures(err error) func(yield func(*failure.Error) bool) {
	return func(yield func(*failure.Error) bool) { walk(err, yield) }
}

func walk(err error, yield func(*failure.Error) bool) bool {
	switch e := err.(type) {
	case nil:
		return true
	case *failure.Error:
		return yield(e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if !walk(one, yield) {
				return false
			}
		}
		return true
	}
	return walk(errors.Unwrap(err), yield)
}

// again is an application error that an activity made itself, without secrets.
func again(ctx context.Context, e *temporal.ApplicationError) error {
	text := redact.Text(ctx, e.Message())
	if text == e.Message() && errors.Unwrap(e) == nil {
		return e
	}
	return temporal.NewApplicationErrorWithOptions(text, e.Type(), temporal.ApplicationErrorOptions{
		NonRetryable: e.NonRetryable(), NextRetryDelay: e.NextRetryDelay(), Category: e.Category()})
}

func applicationError(kind failure.Kind, text string, retryable bool) error {
	return temporal.NewApplicationErrorWithOptions(text, string(kind), temporal.ApplicationErrorOptions{NonRetryable: !retryable})
}

// unavailable is worth another attempt, after that time or after the one that the retry policy says.
func unavailable(text string, after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(text, string(failure.Unavailable), temporal.ApplicationErrorOptions{NextRetryDelay: after})
}

// cancelled is the end of the activity's context, which keeps its identity: Temporal tells a cancellation from a failure by it.
type cancelled struct{ text string }

func (c *cancelled) Error() string { return c.text }

// Unwrap gives [context.Canceled].
func (c *cancelled) Unwrap() error { return context.Canceled }
