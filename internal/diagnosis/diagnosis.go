// Package diagnosis judges what a cluster shows of a workload, a Gateway or its routes: ready, on its way, or what will keep it from
// ever being ready and what an operator does about that. It asks nobody anything.
package diagnosis

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockstep/internal/failure"
)

// Reasons of problems that the wait itself finds; others are Kubernetes' own, as ImagePullBackOff.
const (
	ReasonStartupProbe = "StartupProbeFailed"
	ReasonLiveness     = "LivenessProbeFailed"
	ReasonReadiness    = "ReadinessProbeFailed"
	ReasonCrash        = "CrashLoopBackOff"
	ReasonDeadline     = "DeadlineExceeded"
)

// Verdict is what a judgement says: ready, or what it waits for, or what will keep it from ever being ready.
type Verdict struct {
	Done    bool
	Waiting string
	Problem *Problem
	Pending *Problem // what the problem will be if this lasts until the deadline; nil: just the deadline
	Log     Log      // whose lines belong to the problem, or would show what is going on
}

// Problem is what keeps an object from becoming ready.
type Problem struct {
	// Reason is one word, as ImagePullBackOff.
	Reason string
	// Object is the object that cannot become ready, as "Pod apim/x".
	Object string
	// Evidence is what the cluster said: conditions, events, the last lines of a log. It may span lines.
	Evidence string
	// NextMove is what the operator does about it.
	NextMove string
	// Retryable says that waiting again may help.
	Retryable bool
}

// Failure is the problem as an error: NotReady, or Unavailable where waiting again may help.
func (p *Problem) Failure() error {
	e := &failure.Error{Kind: failure.NotReady, Reason: p.Reason, Next: p.NextMove, Retryable: p.Retryable,
		Cause: errors.New(joinLines(p.Object+" is not ready: "+p.Reason, p.Evidence))}
	if p.Retryable {
		e.Kind = failure.Unavailable
	}
	return e
}

// Log names one container's log.
type Log struct {
	Namespace, Pod, Container string
}

// Deadline is the problem of a wait whose time is over: what it still waits for, and what went wrong lately. Another wait would last as
// long again, so it is final.
func Deadline(object, waiting, evidence string, f Fields) *Problem {
	return &Problem{Reason: ReasonDeadline, Object: object, NextMove: f.deadlineMove(),
		Evidence: joinLines("still waiting: "+cmp.Or(waiting, "the API server has shown nothing"), evidence)}
}

// AddLog adds lines of a log to a problem, and what they make of it.
func (p *Problem) AddLog(log string) {
	p.Evidence = joinLines(p.Evidence, log)
	if p.Reason == ReasonCrash && strings.Contains(log, "exec format error") {
		p.NextMove = "the image is built for another platform than the node's: push it for that one (image.platforms), or let the pods run on nodes of the image's"
	}
}

// Fields are the fields of the environment file that say what a workload is, for next moves that name what to change there.
type Fields struct {
	Values string        // the path below which the chart's values for the workload's pods are, as apiManager.values.wso2.deployment
	Limit  string        // the path of the wait's time limit, as timeouts.apiManager
	Time   time.Duration // that limit
}

// value is the path of one of the chart's values.
func (f Fields) value(name string) string {
	if f.Values == "" {
		return name + " in the chart's values"
	}
	return f.Values + "." + name
}

// deadlineMove says which field gives a wait more time, and how much it has now.
func (f Fields) deadlineMove() string {
	if f.Limit == "" {
		return "if it is merely slow, raise this step's time in timeouts; else correct what the events and the log show"
	}
	return fmt.Sprintf("if it is merely slow, raise %s, which is %s now; else correct what the events and the log show", f.Limit, f.Time)
}
