// Package stream is the progress of operations as server-sent events: who asks for it, once for all that watch, and what clients get.
package stream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"lockstep/starter/api/monitoring"
	"lockstep/starter/api/problem"
)

// Options are what feeds need.
type Options struct {
	// Look is a snapshot of an operation, nil if there is none worth showing.
	Look func(context.Context, Key) *Snapshot
	// PollEvery is how often an operation is looked at.
	PollEvery time.Duration
	// MaxWatchers and MaxWatched bound watchers, and the operations that they watch; MaxWatchersEach bounds the watchers of one caller.
	MaxWatchers, MaxWatchersEach, MaxWatched int
	// Metrics hear how many there are.
	Metrics *monitoring.Metrics
}

// Feeds are the operations that somebody watches. However many do, an operation is asked once in a while, by one goroutine, which ends with
// the last of them.
type Feeds struct {
	options Options

	mu       sync.Mutex
	watched  map[Key]*Feed
	watchers int
	by       map[string]int // watchers by caller
}

// Key names an operation.
type Key struct{ Environment, Operation string }

// Feed is the newest snapshot of one operation. Watchers do not get each: who is slow gets the newest, and nothing is kept for them.
type Feed struct {
	key      Key
	watchers int // guarded by Feeds.mu
	end      context.CancelFunc

	mu      sync.Mutex
	newest  *Snapshot
	changed chan struct{} // closed when newest changes
}

// New are feeds that nobody watches yet.
func New(o Options) *Feeds {
	return &Feeds{options: o, watched: map[Key]*Feed{}, by: map[string]int{}}
}

// retryFull is what watchers are asked to wait for whom there is no room.
const retryFull = 10 * time.Second

// Join is the feed of an operation for one more watcher of a caller's, who leaves it ([Feeds.Leave]) when done.
func (fs *Feeds) Join(key Key, caller string) (*Feed, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.watched[key]
	switch {
	case fs.watchers >= fs.options.MaxWatchers:
		return nil, fs.full("this server has no room for more watchers")
	case fs.by[caller] >= fs.options.MaxWatchersEach:
		return nil, fs.full("you already watch as many operations as one caller may")
	case f == nil && len(fs.watched) >= fs.options.MaxWatched:
		return nil, fs.full("this server has no room for more watched operations")
	case f == nil:
		ctx, end := context.WithCancel(context.Background())
		f = &Feed{key: key, end: end, changed: make(chan struct{})}
		fs.watched[key] = f
		go fs.follow(ctx, f)
	}
	f.watchers++
	fs.watchers++
	fs.by[caller]++
	fs.count()
	return f, nil
}

// Leave is what each watcher does in the end: the last one ends the feed.
func (fs *Feeds) Leave(f *Feed, caller string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.watchers--
	fs.watchers--
	if fs.by[caller]--; fs.by[caller] == 0 {
		delete(fs.by, caller)
	}
	if f.watchers == 0 {
		f.end()
		delete(fs.watched, f.key)
	}
	fs.count()
}

func (fs *Feeds) count() {
	fs.options.Metrics.Watchers.Set(float64(fs.watchers))
	fs.options.Metrics.Watched.Set(float64(len(fs.watched)))
}

func (fs *Feeds) full(why string) error {
	fs.options.Metrics.TurnedAway.Inc()
	return problem.New(http.StatusServiceUnavailable, "too-many-watchers", "%s: try again after the time in Retry-After, or read the operation from time to time", why).RetryAfter(retryFull)
}

// follow asks for the operation until it has ended, or nobody watches it any more. While Temporal or the workers do not answer, watchers
// keep what they have.
func (fs *Feeds) follow(ctx context.Context, f *Feed) {
	ticker := time.NewTicker(fs.options.PollEvery)
	defer ticker.Stop()
	for {
		if next := fs.options.Look(ctx, f.key); next != nil {
			f.show(next)
			if next.Ended() {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Now is the newest snapshot, nil before there is one, and what is closed when there is a newer one.
func (f *Feed) Now() (*Snapshot, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest, f.changed
}

func (f *Feed) show(next *Snapshot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.newest != nil && f.newest.ID == next.ID {
		return
	}
	f.newest = next
	close(f.changed)
	f.changed = make(chan struct{})
}
