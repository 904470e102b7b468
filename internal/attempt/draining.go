package attempt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// Draining is a worker interceptor that lets a worker stop without its operations losing time. Activities that only wait, which are
// those named Wait…, are handed over at once: they end with an error that Temporal retries on another worker, which would otherwise
// notice only when their heartbeats stay away. All others act, and are let finish; what is not done shortly before the worker's time
// is over is handed over too. A Helm action ends at that only where it waits, so that no other attempt meets it half done and alive.
//
// Each hand-over is one of the attempts an activity has. On the last of them, a wait goes on as long as it may.
type Draining struct {
	interceptor.WorkerInterceptorBase

	mu       sync.Mutex
	stopping bool
	running  map[*task]struct{}
}

// task is one running attempt of an activity.
type task struct {
	info activity.Info
	end  context.CancelCauseFunc
}

// handOverDelay is the time until the next attempt: enough for this worker's polls to have ended, so that it does not get it itself.
const handOverDelay = time.Second

var errStopping = errors.New("the worker is stopping")

// InterceptActivity implements [interceptor.WorkerInterceptor].
func (d *Draining) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &draining{interceptor.ActivityInboundInterceptorBase{Next: next}, d}
}

// Stop hands over what only waits and keeps activities from beginning. It returns what it handed over, and what is let finish.
func (d *Draining) Stop() (handedOver, finishing []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopping = true
	for a := range d.running {
		if !OnlyWaits(a.info.ActivityType.Name) || a.last() {
			finishing = append(finishing, a.String())
			continue
		}
		handedOver = append(handedOver, a.String())
		a.end(errStopping)
	}
	slices.Sort(handedOver)
	slices.Sort(finishing)
	return handedOver, finishing
}

// HandOver hands over everything that is still running.
func (d *Draining) HandOver() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for a := range d.running {
		a.end(errStopping)
	}
}

// Running are the activities that have not ended yet.
func (d *Draining) Running() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for a := range d.running {
		names = append(names, a.String())
	}
	slices.Sort(names)
	return names
}

type draining struct {
	interceptor.ActivityInboundInterceptorBase
	*Draining
}

// ExecuteActivity implements [interceptor.ActivityInboundInterceptor].
func (d *draining) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	a := &task{activity.GetInfo(ctx), end}
	if !d.enter(a) {
		return nil, a.handOver()
	}
	defer d.leave(a)
	result, err := d.Next.ExecuteActivity(ctx, in)
	if err != nil && errors.Is(context.Cause(ctx), errStopping) {
		return nil, a.handOver() // whatever an activity says as it is cut off is no diagnosis
	}
	return result, err
}

// enter refuses what arrives while the worker stops: nothing of it is done, so that another worker may as well begin it.
func (d *Draining) enter(a *task) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping && !a.last() {
		return false
	}
	if d.running == nil {
		d.running = map[*task]struct{}{}
	}
	d.running[a] = struct{}{}
	return true
}

func (d *Draining) leave(a *task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, a)
}

// OnlyWaits says whether the activity of that name changes nothing, so that it can be cut off at any moment.
func OnlyWaits(activity string) bool { return strings.HasPrefix(activity, "Wait") }

// last says that Temporal will not try again.
func (t *task) last() bool {
	return t.info.RetryPolicy != nil && t.info.RetryPolicy.MaximumAttempts > 0 && t.info.Attempt >= t.info.RetryPolicy.MaximumAttempts
}

func (t *task) handOver() error {
	text := "handed over: the worker was stopped, and another attempt goes on from what it finds"
	if t.last() {
		text = fmt.Sprintf("the worker was stopped before %s had ended, in the last of its %d attempts. "+
			"Next: check that a worker keeps running, then start the operation again", t.info.ActivityType.Name, t.info.Attempt)
	}
	return unavailable(text, handOverDelay)
}

// String is the activity as an operator finds it in Temporal.
func (t *task) String() string {
	return fmt.Sprintf("%s %s %s", t.info.WorkflowExecution.ID, t.info.ActivityID, t.info.ActivityType.Name)
}
