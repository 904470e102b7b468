package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"lockstep/starter/api/problem"
)

// feeds are the operations that somebody watches. However many do, an operation is asked once in a while, by one goroutine, which ends with
// the last of them.
type feeds struct {
	server *Server

	mu       sync.Mutex
	watched  map[feedKey]*feed
	watchers int
	by       map[string]int // watchers by caller
}

type feedKey struct{ environment, operation string }

// feed is the newest snapshot of one operation. Watchers do not get each: who is slow gets the newest, and nothing is kept for them.
type feed struct {
	key      feedKey
	watchers int // guarded by feeds.mu
	end      context.CancelFunc

	mu      sync.Mutex
	newest  *snapshot
	changed chan struct{} // closed when newest changes
}

func newFeeds(s *Server) *feeds {
	return &feeds{server: s, watched: map[feedKey]*feed{}, by: map[string]int{}}
}

// retryFull is what watchers are asked to wait for whom there is no room.
const retryFull = 10 * time.Second

// join is the feed of an operation for one more watcher of a caller's, who leaves it when done.
func (fs *feeds) join(key feedKey, caller string) (*feed, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.watched[key]
	switch {
	case fs.watchers >= fs.server.MaxWatchers:
		return nil, fs.full("as many watch operations here as this server can serve")
	case fs.by[caller] >= fs.server.MaxWatchersEach:
		return nil, fs.full("you watch as many operations here as one caller may")
	case f == nil && len(fs.watched) >= fs.server.MaxWatched:
		return nil, fs.full("as many operations are watched here as this server can ask for")
	case f == nil:
		ctx, end := context.WithCancel(context.Background())
		f = &feed{key: key, end: end, changed: make(chan struct{})}
		fs.watched[key] = f
		go fs.server.follow(ctx, f)
	}
	f.watchers++
	fs.watchers++
	fs.by[caller]++
	fs.count()
	return f, nil
}

func (fs *feeds) leave(f *feed, caller string) {
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

func (fs *feeds) count() {
	fs.server.metrics.Watchers.Set(float64(fs.watchers))
	fs.server.metrics.Watched.Set(float64(len(fs.watched)))
}

func (fs *feeds) full(why string) error {
	fs.server.metrics.TurnedAway.Inc()
	return problem.New(http.StatusServiceUnavailable, "too-many-watchers", "%s: try again after as long as Retry-After says, or read the operation now and then", why).RetryAfter(retryFull)
}

// follow asks for the operation until it has ended, or nobody watches it any more. While Temporal or the workers do not answer, watchers
// keep what they have.
func (s *Server) follow(ctx context.Context, f *feed) {
	ticker := time.NewTicker(s.PollEvery)
	defer ticker.Stop()
	for {
		if next := s.look(ctx, f.key); next != nil {
			f.show(next)
			if next.ended() {
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

// look is a snapshot of an operation, nil if there is none worth showing.
func (s *Server) look(ctx context.Context, key feedKey) *snapshot {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	details, err := s.details(ctx, key.environment, key.operation)
	if err != nil || details.Unanswered != "" && details.Ended == nil {
		return nil
	}
	return newSnapshot(details)
}

const lookPatience = 15 * time.Second

// now is the newest snapshot, nil before there is one, and what is closed when there is a newer one.
func (f *feed) now() (*snapshot, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest, f.changed
}

func (f *feed) show(next *snapshot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.newest != nil && f.newest.id == next.id {
		return
	}
	f.newest = next
	close(f.changed)
	f.changed = make(chan struct{})
}
