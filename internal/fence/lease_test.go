package fence_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"lockstep/internal/fence"
)

// clock is a clock that stands still until it is told to go on.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// lease is a confirmed one of 15 seconds.
func lease(t *testing.T) (*fence.Lease, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	l := fence.New(fence.Options{Lasts: 15 * time.Second, Until: c.now.Add(time.Minute), Now: c.Now})
	l.Confirm(c.Now())
	return l, c
}

func lost(t *testing.T, err error, reason string) {
	t.Helper()
	var l *fence.Lost
	if !errors.As(err, &l) || !strings.Contains(l.Reason, reason) {
		t.Errorf("want it lost because %q, got %v", reason, err)
	}
}

func TestALeaseIsNotValidBeforeItIsConfirmed(t *testing.T) {
	lost(t, fence.New(fence.Options{Lasts: time.Hour}).Err(), "could not tell Temporal")
}

func TestALeaseCountsFromTheMomentThatItsConfirmationWasAskedFor(t *testing.T) {
	l, c := lease(t)
	asked := c.Now()
	c.forward(10 * time.Second)
	l.Confirm(asked) // the answer took ten seconds
	c.forward(5 * time.Second)
	if err := l.Err(); err != nil {
		t.Fatalf("after 15 s: %v", err)
	}
	c.forward(time.Millisecond)
	lost(t, l.Err(), "cut off from Temporal, or stood still, for 15s")
}

func TestConfirmationsExtendALeaseUntilItsEnd(t *testing.T) {
	l, c := lease(t)
	for range 6 {
		l.Confirm(c.Now())
		c.forward(10 * time.Second)
	}
	if err := l.Err(); err != nil {
		t.Fatalf("after a minute: %v", err)
	}
	c.forward(time.Nanosecond)
	lost(t, l.Err(), "time of this attempt is over")
}

func TestAnOldConfirmationTakesNothingBack(t *testing.T) {
	l, c := lease(t)
	first := c.Now()
	c.forward(10 * time.Second)
	l.Confirm(c.Now())
	l.Confirm(first)
	c.forward(10 * time.Second)
	if err := l.Err(); err != nil {
		t.Error(err)
	}
}

func TestALeaseThatWasSeenToBeOverStaysOver(t *testing.T) {
	l, c := lease(t)
	c.forward(16 * time.Second)
	lost(t, l.Err(), "16s")
	l.Confirm(c.Now())
	l.End("something else")
	lost(t, l.Err(), "16s")
}

func TestTheWallClockCountsWhenTheMonotonicClockStoodStill(t *testing.T) {
	began := time.Now()
	now := began.Round(0).Add(16 * time.Second) // without a monotonic reading, as after a suspension
	l := fence.New(fence.Options{Lasts: 15 * time.Second, Now: func() time.Time { return now }})
	l.Confirm(began)
	lost(t, l.Err(), "16s")
}

func TestWhatWaitsUnderALeaseHearsOfItsEnd(t *testing.T) {
	l, c := lease(t)
	heard := make(chan error, 1)
	l.OnEnd(func(err error) { heard <- err })
	go l.Watch(t.Context(), time.Millisecond)
	c.forward(16 * time.Second)
	lost(t, <-heard, "16s")
}

func TestAContextWithoutALeaseIsNeverFenced(t *testing.T) {
	if err := fence.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestTheLeaseReachesContextsThatOutliveACancellation(t *testing.T) {
	l, c := lease(t)
	ctx, cancel := context.WithCancel(fence.With(context.Background(), l))
	cancel()
	clean := context.WithoutCancel(ctx)
	if err := fence.Check(clean); err != nil {
		t.Errorf("a cancelled attempt may still clean up: %v", err)
	}
	c.forward(time.Hour)
	lost(t, fence.Check(clean), "1h0m0s")
}
