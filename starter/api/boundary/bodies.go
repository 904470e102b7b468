package boundary

import (
	"net/http"
	"sync"
	"time"

	"lockstep/starter/api/problem"
)

// Large bodies of one caller are held by the server until their requests are answered, and may come as slowly as bodyPatience lets them: no
// more than mostLarge at once, or a caller who sends slowly takes the memory that the rate of requests alone would let through.
const (
	mostLarge = 16
	small     = 64 << 10
)

// Bodies counts large bodies by caller.
type Bodies struct {
	mu sync.Mutex
	by map[string]int
}

// Enter lets a request in, until done is called.
func (b *Bodies) Enter(r *http.Request, caller string) (done func(), refused *problem.Problem) {
	if r.ContentLength >= 0 && r.ContentLength <= small {
		return func() {}, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = map[string]int{}
	}
	if b.by[caller] >= mostLarge {
		return nil, problem.New(http.StatusTooManyRequests, "too-many-requests", "%d requests of yours with a body of more than 64 KiB, or of unknown size, are not answered yet: "+
			"wait for one of them", mostLarge).RetryAfter(time.Second)
	}
	b.by[caller]++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.by[caller]--; b.by[caller] == 0 {
			delete(b.by, caller)
		}
	}, nil
}
