package cluster

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// Reasons of problems that the wait itself finds; others are Kubernetes' own, as ImagePullBackOff.
const (
	ReasonStartupProbe = "StartupProbeFailed"
	ReasonLiveness     = "LivenessProbeFailed"
	ReasonReadiness    = "ReadinessProbeFailed"
	ReasonCrash        = "CrashLoopBackOff"
	ReasonDeadline     = "DeadlineExceeded"
)

// WaitOption sharpens the diagnosis of a wait.
type WaitOption func(*waitOptions)

type waitOptions struct {
	knobs     knobs
	pace      pace
	redact    func(string) string
	dataPlane string
}

// ValuesAt is the path in the environment file below which the chart's values for the workload's pods are, as
// apiManager.values.wso2.deployment. Next moves then name the fields to change by their full paths.
func ValuesAt(path string) WaitOption {
	return func(o *waitOptions) { o.knobs.values = path }
}

// LimitedBy is the field of the environment file that sets the wait's time limit, and that limit. Where a startup probe's
// threshold follows from it, it is what a next move names.
func LimitedBy(path string, limit time.Duration) WaitOption {
	return func(o *waitOptions) { o.knobs.limit, o.knobs.time = path, limit }
}

// Redact is applied to log lines and messages before they become evidence.
func Redact(redact func(string) string) WaitOption {
	return func(o *waitOptions) { o.redact = redact }
}

// Pace divides the times for which a state may last before it counts as a problem: for a cluster whose kubelet is that
// much faster than a real one, as the sandbox's may be.
func Pace(factor float64) WaitOption {
	return func(o *waitOptions) { o.pace = pace(factor) }
}

// DataPlaneIn is the namespace in which a Gateway's controller makes its data plane. Without it, Services of all namespaces are read.
func DataPlaneIn(namespace string) WaitOption {
	return func(o *waitOptions) { o.dataPlane = namespace }
}

func optionsOf(options []WaitOption) waitOptions {
	all := waitOptions{redact: func(s string) string { return s }}
	for _, option := range options {
		option(&all)
	}
	return all
}

// WaitDeployment waits until exactly the pods of the Deployment's newest version are left and all are ready, or until
// it is clear that they will not be: then the error is a *[Problem] with the pods' events and last log lines. So it is
// when ctx ends by its deadline. progress, which may be nil, is told what is being waited for whenever that changes.
func (c *Client) WaitDeployment(ctx context.Context, namespace, name string, progress func(string), options ...WaitOption) error {
	started, last, o := time.Now(), verdict{}, optionsOf(options)
	w := c.watchRollout(namespace, name)
	err := watchUntil(ctx, w.informers(), func() (bool, error) {
		last = diagnose(w.look(ctx, watched{now: time.Now(), started: started, pace: o.pace}, o.knobs))
		report(progress, &w.told, last.waiting)
		if last.problem != nil {
			return false, last.problem
		}
		return last.done, nil
	})
	return c.conclude(ctx, "Deployment "+namespace+"/"+name, err, last, w.evidence, o)
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
			NextMove: options.knobs.deadlineMove()}
	default:
		return c.renewable(classify("waiting for "+object, err))
	}
	// A termination message may be the end of a log, too.
	log := c.logTail(ctx, last.log, options.redact)
	problem.Evidence = joinLines(options.redact(mask(problem.Evidence)), log)
	if problem.Reason == ReasonCrash && strings.Contains(log, "exec format error") {
		problem.NextMove = "the image is built for another platform than the node's: push it for that one (image.platforms), or let the pods run on nodes of the image's"
	}
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
