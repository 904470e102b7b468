package fence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options say how long a lease is valid.
type Options struct {
	// Lasts is how long after the moment of its last confirmation. 0: as long as nothing ends it.
	Lasts time.Duration
	// Until is when it is over in any case. Zero: never.
	Until time.Time
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Lease is the right of one attempt to change things. It begins with its first confirmation. Once it was seen to be over it stays
// over. It is safe for concurrent use; a nil lease is always valid.
type Lease struct {
	options Options
	// live ends with the lease, its cause being the [Lost].
	live context.Context
	end  context.CancelCauseFunc

	mu        sync.Mutex
	confirmed time.Time
}

// New makes a lease that is not confirmed yet.
func New(o Options) *Lease {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Lease{options: o}
	l.live, l.end = context.WithCancelCause(context.Background())
	return l
}

// Confirm says that a question that was asked at that moment was answered: the attempt is still the one.
func (l *Lease) Confirm(asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if asked.After(l.confirmed) {
		l.confirmed = asked
	}
}

// End ends the lease; the first reason stays.
func (l *Lease) End(reason string) { l.end(&Lost{Reason: reason}) }

// Err is nil while the lease is valid, and a [Lost] afterwards. It reads the clock: a process that was frozen must not depend on a
// timer having fired.
func (l *Lease) Err() error {
	if l == nil {
		return nil
	}
	if l.live.Err() == nil {
		if reason := l.expired(); reason != "" {
			l.End(reason)
		}
	}
	return l.over()
}

// over is Err without a look at the clock.
func (l *Lease) over() error {
	var lost *Lost
	if errors.As(context.Cause(l.live), &lost) {
		return lost
	}
	return nil
}

func (l *Lease) expired() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.options.Now()
	silent := since(now, l.confirmed)
	switch {
	case l.confirmed.IsZero():
		return "the worker could not tell Temporal that it begins this attempt"
	case l.options.Lasts > 0 && silent > l.options.Lasts:
		return fmt.Sprintf("the worker was cut off from Temporal, or stood still, for %s during this attempt", silent.Round(100*time.Millisecond))
	case !l.options.Until.IsZero() && since(now, l.options.Until) > 0:
		return "the time of this attempt is over"
	}
	return ""
}

// since is how long ago a moment was, by the clock that says more: the monotonic clock stands still while a machine is suspended,
// and somebody may set the wall clock back.
func since(now, then time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// Watch looks at the clock that often until ctx ends, so that what waits under the lease ends soon after it.
func (l *Lease) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for l.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// OnEnd calls f in its own goroutine when the lease is over, at once if it is already.
func (l *Lease) OnEnd(f func(lost error)) {
	context.AfterFunc(l.live, func() { f(l.over()) })
}
