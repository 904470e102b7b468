// Package diagnosis judges what a cluster shows of a workload, a Gateway or its routes: ready, on its way, or what will keep it from
// ever being ready and what an operator does about that. It asks nobody anything.
package diagnosis

import (
	"cmp"
	"strings"

	"lockstep/internal/cluster"
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
	Problem *cluster.Problem
	Pending *cluster.Problem // what the problem will be if this lasts until the deadline; nil: just the deadline
	Log     Log              // whose last lines belong to the problem, or would show what is going on
}

// Log names one container's log.
type Log struct {
	Namespace, Pod, Container string
}

// Deadline is the problem of a wait whose time is over: what it still waits for, and what went wrong lately.
func Deadline(object, waiting, evidence string, f Fields) *cluster.Problem {
	return &cluster.Problem{Reason: ReasonDeadline, Object: object, Retryable: true, NextMove: f.deadlineMove(),
		Evidence: joinLines("still waiting: "+cmp.Or(waiting, "the API server gave nothing to look at"), evidence)}
}

// WithLog adds the last lines of a log to a problem, and what they make of it.
func WithLog(problem *cluster.Problem, log string) {
	problem.Evidence = joinLines(problem.Evidence, log)
	if problem.Reason == ReasonCrash && strings.Contains(log, "exec format error") {
		problem.NextMove = "the image is built for another platform than the node's: push it for that one (image.platforms), or let the pods run on nodes of the image's"
	}
}
