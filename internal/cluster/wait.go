package cluster

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Reasons of problems for which the caller often knows a better next move, see [Hint].
const (
	ReasonStartupProbe = "StartupProbeFailed"
	ReasonCrash        = "CrashLoopBackOff"
	ReasonDeadline     = "DeadlineExceeded"
)

// WaitOption sharpens the diagnosis of a wait.
type WaitOption func(*waitOptions)

type waitOptions struct {
	hints  map[string]string
	redact func(string) string
}

// Hint replaces the next move of problems with that reason, for example to name the chart value to raise.
func Hint(reason, nextMove string) WaitOption {
	return func(o *waitOptions) { o.hints[reason] = nextMove }
}

// Redact is applied to log lines and messages before they become evidence.
func Redact(redact func(string) string) WaitOption {
	return func(o *waitOptions) { o.redact = redact }
}

func optionsOf(options []WaitOption) waitOptions {
	all := waitOptions{hints: map[string]string{}, redact: func(s string) string { return s }}
	for _, option := range options {
		option(&all)
	}
	return all
}

// WaitDeployment waits until exactly the pods of the Deployment's newest version are left and all are ready, or until
// it is clear that they will not be: then the error is a *[Problem] with the pods' events and last log lines. So it is
// when ctx ends by its deadline. progress, which may be nil, is told what is being waited for whenever that changes.
func (c *Client) WaitDeployment(ctx context.Context, namespace, name string, progress func(string), options ...WaitOption) error {
	started, last := time.Now(), verdict{}
	w := c.watchRollout(namespace, name)
	err := watchUntil(ctx, w.informers(), func() (bool, error) {
		last = diagnose(w.look(started, time.Now()))
		report(progress, &w.told, last.waiting)
		if last.problem != nil {
			return false, last.problem
		}
		return last.done, nil
	})
	return c.conclude(ctx, "Deployment "+namespace+"/"+name, err, last, w.evidence, optionsOf(options))
}

// conclude completes a problem with the log and the caller's hints, and makes one of a deadline.
func (c *Client) conclude(ctx context.Context, object string, err error, last verdict, evidence func() string, options waitOptions) error {
	var problem *Problem
	if errors.Is(err, context.DeadlineExceeded) && last.waiting == "" { // nothing was ever seen
		if err := c.unreachable(ctx); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &problem):
		if problem.Object == "Deployment" {
			problem.Object = object
		}
	case errors.Is(err, context.DeadlineExceeded) && last.pending != nil:
		problem = last.pending
	case errors.Is(err, context.DeadlineExceeded):
		problem = &Problem{Reason: ReasonDeadline, Object: object, Retryable: true,
			Evidence: joinLines("still waiting: "+cmp.Or(last.waiting, "the API server gave nothing to look at"), evidence()),
			NextMove: "raise this step's time in timeouts if it is merely slow; else correct what the events and the log show"}
	default:
		return classify("waiting for "+object, err)
	}
	// A termination message may be the end of a log, too.
	problem.Evidence = joinLines(options.redact(mask(problem.Evidence)), c.logTail(ctx, last.log, options.redact))
	problem.NextMove = cmp.Or(options.hints[problem.Reason], problem.NextMove)
	return problem
}

// unreachable asks the API server for a last word; the informers keep a lost connection to themselves.
func (c *Client) unreachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := c.Version(ctx)
	return err
}

func report(progress func(string), told *string, waiting string) {
	if progress == nil || waiting == *told || waiting == "" {
		return
	}
	*told = waiting
	progress(waiting)
}
