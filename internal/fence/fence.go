// Package fence keeps one attempt at a task from changing anything once another may be at work on the same task. An attempt holds a
// lease that is over when it was not confirmed for too long; requests made under it are refused from then on. Cancellation is
// something else: an attempt that is asked to stop still finishes what it has begun, and may write while it does.
package fence

import (
	"context"
	"fmt"
)

// Lost says why a lease is over. It is the error of every request that was refused for it.
type Lost struct{ Reason string }

func (l *Lost) Error() string {
	return fmt.Sprintf("%s: it was stopped and changes nothing more", l.Reason)
}

type key struct{}

// With puts requests that are made with the context, or one that follows from it, under the lease.
func With(ctx context.Context, lease *Lease) context.Context {
	return context.WithValue(ctx, key{}, lease)
}

// Check gives a [Lost] once the context's lease is over. Without a lease there is nothing to lose.
func Check(ctx context.Context) error { return of(ctx).Err() }

// of is the context's lease or nil, which is never over.
func of(ctx context.Context) *Lease {
	lease, _ := ctx.Value(key{}).(*Lease)
	return lease
}
