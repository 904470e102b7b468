// Package readiness waits until what a cluster runs is ready, driven by watches, and ends early with a diagnosis once that cannot come.
// What it sees is judged by package diagnosis.
package readiness

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/tools/cache"

	"lockstep/internal/cluster"
	"lockstep/internal/diagnosis"
)

// wait is one wait for something to become ready.
type wait struct {
	options
	client   *cluster.Client
	object   string // as "Deployment apim/is"
	started  time.Time
	progress func(string) // told what is being waited for whenever that changes; may be nil
	told     string
	last     diagnosis.Verdict
}

func begin(c *cluster.Client, object string, progress func(string), given []Option) *wait {
	return &wait{client: c, object: object, started: time.Now(), progress: progress, options: optionsOf(given)}
}

// until judges what the informers have after every change, until it is ready or will not be.
func (w *wait) until(ctx context.Context, informers []cache.SharedIndexInformer, judge func(diagnosis.Moment) diagnosis.Verdict) error {
	return watchUntil(ctx, informers, func() bool {
		w.last = judge(diagnosis.Moment{Now: time.Now(), Started: w.started, Pace: w.pace})
		w.report()
		return w.last.Done || w.last.Problem != nil
	})
}

func (w *wait) report() {
	if w.progress == nil || w.last.Waiting == w.told || w.last.Waiting == "" {
		return
	}
	w.told = w.last.Waiting
	w.progress(w.told)
}

// conclude says how a wait ended: with the problem that was found, completed by the log and the caller's hints, or with what a
// deadline means. evidence is what went wrong lately.
func (w *wait) conclude(ctx context.Context, err error, evidence func() string) error {
	problem := w.last.Problem
	late := errors.Is(err, context.DeadlineExceeded)
	switch {
	case problem != nil:
		if problem.Object == "Deployment" {
			problem.Object = w.object
		}
	case err == nil:
		return nil
	case !late:
		return w.client.Renewable(cluster.Classify("waiting for "+w.object, err))
	case w.last.Pending != nil:
		problem = w.last.Pending
	default:
		if w.last.Waiting == "" { // nothing was ever seen
			if err := unreachable(ctx, w.client); err != nil {
				return err
			}
		}
		problem = diagnosis.Deadline(w.object, w.last.Waiting, evidence(), w.fields)
	}
	return w.complete(ctx, problem)
}

// complete adds the log that belongs to a problem. The evidence is what others wrote: a termination message may be the end of a log, too.
func (w *wait) complete(ctx context.Context, problem *diagnosis.Problem) error {
	problem.Evidence = quoted(ctx, problem.Evidence)
	problem.AddLog(logTail(ctx, w.client.Kube(), w.last.Log))
	return problem.Failure()
}

func nothing() string { return "" }

// unreachable asks the API server for a last word; the informers keep a lost connection to themselves.
func unreachable(ctx context.Context, c *cluster.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := c.Version(ctx)
	return err
}
