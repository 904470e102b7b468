// Package operations starts, finds, follows and decides operations on environments. The command line and the REST API do it alike;
// what is true is what Temporal says.
package operations

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"lockstep/internal/dial"
)

// Client asks Temporal about operations and has workers carry them out.
type Client struct {
	dial.Connection
	// TaskQueue is that of the workers.
	TaskQueue string
	// UI is the address of the Temporal UI, for links.
	UI string
	// Patience is how long [Client.CheckWorker] waits for a worker that is just starting. Default: not at all.
	Patience time.Duration
}

// CheckWorker fails if nobody would carry out what is started.
func (c Client) CheckWorker(ctx context.Context) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for given := time.Now().Add(c.Patience); ; {
		d, err := c.DescribeTaskQueue(ctx, c.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		switch {
		case err != nil:
			return away(err, "asking Temporal for the workers of task queue %q", c.TaskQueue)
		case len(d.GetPollers()) > 0:
			err = c.routed(d)
		default:
			err = unavailable("no worker listens on task queue %q: start a worker with `bin/worker`, or name a worker's queue with --task-queue", c.TaskQueue)
		}
		if err == nil || time.Now().After(given) {
			return err
		}
		select {
		case <-ctx.Done():
			return unavailable("asking Temporal for the workers of task queue %q: %w", c.TaskQueue, ctx.Err())
		case <-ticker.C:
		}
	}
}

// Kind says what an error means for whoever asked.
type Kind string

// Kinds of errors.
const (
	Invalid     Kind = "invalid"     // what was asked for is wrong
	Unknown     Kind = "unknown"     // there is no such operation
	Busy        Kind = "busy"        // another operation runs on the environment
	Refused     Kind = "refused"     // the operation is not in a state for it
	Unavailable Kind = "unavailable" // Temporal or its worker does not answer
)

// Error is what went wrong, in words for an operator.
type Error struct {
	Kind Kind
	Err  error
	// Holder is what runs on a busy environment, if that is known.
	Holder *Operation
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func failed(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

func unavailable(format string, args ...any) error { return failed(Unavailable, format, args...) }

// away is for requests that Temporal did not carry out.
func away(err error, format string, args ...any) error {
	return unavailable("%s: %w; check that Temporal runs, and that its settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, …) are right, and try again",
		fmt.Sprintf(format, args...), err)
}
