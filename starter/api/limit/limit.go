// Package limit bounds how often each of many callers may do something, in bounded memory.
package limit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// keys is how many callers are remembered. One that is forgotten begins afresh, which an attacker with more addresses than
// this could use as well as the addresses.
const keys = 10_000

// Limiter is a bucket of permissions for each key: it holds at most burst, and fills again at a steady rate. Its methods
// may be called at the same time.
type Limiter struct {
	perSecond rate.Limit
	burst     int
	now       func() time.Time

	mu      sync.Mutex
	buckets *Recent[*rate.Limiter]
}

// New is a limiter whose buckets are full. perSecond and burst are greater than 0.
func New(perSecond float64, burst int, now func() time.Time) *Limiter {
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, now: now, buckets: NewRecent[*rate.Limiter](keys)}
}

// Take takes a permission out of a key's bucket. If there is none, nothing is taken, and wait is until when there is.
func (l *Limiter) Take(key string) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, known := l.buckets.Get(key)
	if !known {
		bucket = rate.NewLimiter(l.perSecond, l.burst)
		l.buckets.Put(key, bucket)
	}
	if now := l.now(); !bucket.AllowN(now, 1) {
		return l.until(bucket, now), false
	}
	return 0, true
}

// Wait is how long it takes until a key's bucket holds a permission: 0 if it does.
func (l *Limiter) Wait(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, known := l.buckets.Get(key)
	if !known {
		return 0
	}
	return l.until(bucket, l.now())
}

func (l *Limiter) until(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(l.perSecond) * float64(time.Second)))
}
