package attempt

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"lockstep/internal/fence"
)

// attempt is one attempt at an activity: what keeps it alive, and what ends it.
type attempt struct {
	token string
	info  activity.Info
	text  atomic.Value // the last progress text
	lease *fence.Lease
	// sdk is the context that the SDK made, alive the same without an end: heartbeats go on after a cancellation, so that what is
	// still being finished is not taken for lost. work is the activity's.
	sdk, alive, work context.Context
	cancel           context.CancelCauseFunc // of work
	cancelled        atomic.Bool             // by Temporal
}

type attemptKey struct{}

const (
	// beats are in one heartbeat timeout, and tolerance is the part of it after which an attempt without an answer is over. The rest
	// is for a request that is on its way, and for clocks that run apart.
	beats     = 5
	tolerance = 0.75
	// looks at the clock come that often. Requests look by themselves.
	looks = 250 * time.Millisecond
)

func newAttempt(sdk context.Context) *attempt {
	info := activity.GetInfo(sdk)
	diagnosis, until := ends(info.Deadline)
	a := &attempt{token: string(info.TaskToken), info: info, sdk: sdk, alive: context.WithoutCancel(sdk)}
	a.text.Store("")
	a.lease = fence.New(fence.Options{Lasts: time.Duration(tolerance * float64(info.HeartbeatTimeout)), Until: until})
	timed, release := context.WithDeadline(fence.With(context.WithValue(a.alive, attemptKey{}, a), a.lease), diagnosis)
	work, cancel := context.WithCancelCause(timed)
	a.work, a.cancel = work, func(cause error) {
		cancel(cause)
		release()
	}
	return a
}

// ends are when the activity's context ends, in time for a word of why, and when it may change nothing any more. Temporal gives the
// attempt up at the deadline, without a word.
func ends(deadline time.Time) (diagnosis, lease time.Time) {
	const forDiagnosis, forLease = 5 * time.Second, 2 * time.Second
	if time.Until(deadline) <= 4*forDiagnosis {
		return deadline, deadline
	}
	return deadline.Add(-forDiagnosis), deadline.Add(-forLease)
}

// begin asks Temporal whether this attempt is still the one, since the worker may have been frozen with the task in its hands, and
// goes on asking until end is called. Nothing can be changed under an attempt that has ended.
func (a *attempt) begin() (end func()) {
	activity.RecordHeartbeat(a.alive, "")
	a.lease.OnEnd(func(lost error) { a.cancel(lost) })
	unfollow := context.AfterFunc(a.sdk, func() { a.follow(context.Cause(a.sdk)) })
	until, stop := context.WithCancel(a.alive)
	go a.lease.Watch(until, looks)
	if a.info.HeartbeatTimeout > 0 {
		go a.beat(until, a.info.HeartbeatTimeout/beats)
	}
	return func() {
		stop()
		unfollow()
		a.lease.End("this attempt has ended") // and with it the activity's context
	}
}

func (a *attempt) beat(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			activity.RecordHeartbeat(a.alive, a.text.Load())
		}
	}
}

// answered takes the answer to a heartbeat that was sent at that moment. A cancelled attempt is still the one: it keeps its lease.
func (a *attempt) answered(asked time.Time, answer *workflowservice.RecordActivityTaskHeartbeatResponse, err error) {
	switch {
	case a == nil:
	case status.Code(err) == codes.NotFound:
		a.lease.End("Temporal has given this attempt up")
	case err == nil:
		a.lease.Confirm(asked)
		if answer.GetCancelRequested() {
			a.follow(temporal.NewCanceledError())
		}
	}
}

// follow ends the activity's context as the SDK ends its own. But the SDK also does so when one heartbeat could not be delivered for
// two seconds: how long an attempt may go on without is for its lease to say.
func (a *attempt) follow(cause error) {
	switch {
	case temporal.IsCanceledError(cause):
		a.cancelled.Store(true)
		a.cancel(nil)
	case errors.Is(cause, context.DeadlineExceeded), undelivered(cause): // the activity's context has a deadline of its own
	default:
		a.cancel(cause)
	}
}

// undelivered is true for a heartbeat that failed, unless Temporal said that it knows no such attempt.
func undelivered(cause error) bool {
	var said serviceerror.ServiceError
	if errors.As(cause, &said) {
		return said.Status().Code() != codes.NotFound
	}
	_, isStatus := status.FromError(cause)
	return isStatus
}

// explain gives an attempt's error the reason that it has once the lease is over. What was found before, and is final, stands.
func (a *attempt) explain(err error) error {
	var app *temporal.ApplicationError
	if err == nil || errors.As(err, &app) && app.NonRetryable() {
		return err
	}
	if lost := a.lease.Err(); lost != nil {
		return unavailable(lost.Error()+a.outlook(), 0)
	}
	if a.cancelled.Load() && errors.Is(err, context.Canceled) && !temporal.IsCanceledError(context.Cause(a.sdk)) {
		return a.reportCancelled(err)
	}
	return err
}

// outlook is what comes after an attempt that has lost its lease.
func (a *attempt) outlook() string {
	if (&task{info: a.info}).last() {
		return fmt.Sprintf("; it was the last of the %d attempts of %s. Next: check that a worker keeps running and reaches Temporal, then start the operation again",
			a.info.Attempt, a.info.ActivityType.Name)
	}
	return ", another attempt goes on from what it finds"
}

// reportCancelled tells Temporal that the attempt ended because it was cancelled. The SDK would report a failure if it does not know
// of the cancellation, having taken an earlier heartbeat that was not delivered for the end.
func (a *attempt) reportCancelled(err error) error {
	if activity.GetClient(a.sdk).CompleteActivity(a.alive, []byte(a.token), nil, temporal.NewCanceledError()) != nil {
		return err
	}
	return activity.ErrResultPending
}
