package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

// settles is how long a poll is open before it counts: one that is refused is so at once.
const settles = time.Second

// polls watches a worker's own polls for tasks, which its SDK keeps to itself. What they say is the truth about the worker: it
// reaches Temporal, may take tasks from its queue, and does so.
type polls struct {
	mu    sync.Mutex
	kinds map[string]*polling
}

// polling is what became of the polls for one kind of task.
type polling struct {
	open map[*time.Time]bool // when they began
	err  error               // of the last that ended
	seen time.Time           // when one last began or ended
}

// Kinds of tasks.
const (
	workflowTasks = "workflow tasks"
	activityTasks = "activity tasks"
)

// on is a kind of tasks on one task queue.
func on(queue, kind string) string { return kind + " on task queue " + queue }

// watch is for the connection to Temporal.
func (p *polls) watch(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, o ...grpc.CallOption) error {
	kind := ""
	switch request := request.(type) {
	case *workflowservice.PollWorkflowTaskQueueRequest:
		kind = on(cmp.Or(request.GetTaskQueue().GetNormalName(), request.GetTaskQueue().GetName()), workflowTasks) // a worker has a sticky queue beside each
	case *workflowservice.PollActivityTaskQueueRequest:
		kind = on(request.GetTaskQueue().GetName(), activityTasks)
	default:
		return invoke(ctx, method, request, reply, cc, o...)
	}
	end := p.begin(kind, time.Now())
	err := invoke(ctx, method, request, reply, cc, o...)
	end(time.Now(), err)
	return err
}

func (p *polls) begin(kind string, now time.Time) (end func(now time.Time, err error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds == nil {
		p.kinds = map[string]*polling{}
	}
	if p.kinds[kind] == nil {
		p.kinds[kind] = &polling{open: map[*time.Time]bool{}}
	}
	k, began := p.kinds[kind], &now
	k.open[began], k.seen = true, now
	return func(now time.Time, err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(k.open, began)
		k.err, k.seen = err, now
	}
}

// failing is why tasks of that kind do not reach the worker, or nil. A worker whose slots are all taken does not poll, and is well.
func (p *polls) failing(kind string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	if k == nil {
		return fmt.Errorf("has not polled for %s yet", kind)
	}
	for began := range k.open {
		if now.Sub(*began) >= settles {
			return nil
		}
	}
	if k.err != nil {
		return fmt.Errorf("polling for %s: %w", kind, k.err)
	}
	return nil
}

// waited says whether Temporal has had the worker wait for tasks of that kind, or given it one.
func (p *polls) waited(kind string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	if k == nil {
		return false
	}
	for began := range k.open {
		if now.Sub(*began) >= settles {
			return true
		}
	}
	return len(k.open) == 0 && k.err == nil
}

// idle is how long ago a poll for that kind of tasks was last seen; none while one is open.
func (p *polls) idle(kind string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kinds[kind]
	if k == nil || len(k.open) > 0 {
		return 0
	}
	return now.Sub(k.seen)
}
