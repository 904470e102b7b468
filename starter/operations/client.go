// Package operations starts, finds, follows and decides operations on environments. The command line and the REST API do it alike;
// what is true is what Temporal says.
package operations

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"lockstep/config"
	"lockstep/config/clusters"
	"lockstep/internal/dial"
)

// Client asks Temporal about operations and has workers carry them out.
type Client struct {
	dial.Connection
	// Clusters say on which task queue workers listen for operations on a cluster.
	Clusters clusters.Set
	// UI is the address of the Temporal UI, for links.
	UI string
	// Patience is how long [Client.CheckWorker] waits for a worker that is just starting. Default: not at all.
	Patience time.Duration
}

// Admit refuses an environment that asks for what its cluster does not allow, or whose cluster is not known, as far as this machine has
// the files of clusters. The worker refuses it in any case.
func (c Client) Admit(env config.Environment) error {
	if !c.Clusters.Known() {
		return nil
	}
	cluster, err := c.Clusters.Find(env.Cluster)
	if err == nil {
		err = cluster.Check(env).Err()
	}
	return err
}

// CheckWorker fails if nobody would carry out what is started on a cluster.
func (c Client) CheckWorker(ctx context.Context, cluster config.ClusterName) error {
	return c.CheckQueue(ctx, c.Clusters.Queue(cluster))
}

// CheckQueue fails if no worker listens on a task queue.
func (c Client) CheckQueue(ctx context.Context, queue string) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for given := time.Now().Add(c.Patience); ; {
		d, err := c.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		switch {
		case err != nil:
			return away(err, "asking Temporal for the workers of task queue %q", queue)
		case len(d.GetPollers()) > 0:
			err = routed(d, queue)
		default:
			err = unavailable("no worker listens on task queue %q: start a worker that serves the cluster with `bin/worker`, or correct the environment's cluster or --task-queue", queue)
		}
		if err == nil || time.Now().After(given) {
			return err
		}
		select {
		case <-ctx.Done():
			return unavailable("asking Temporal for the workers of task queue %q: %w", queue, ctx.Err())
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
