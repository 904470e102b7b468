package chaos

import (
	"fmt"
	"strings"
	"time"

	"lockstep/sandbox/fault"
)

// Fault is one thing that is done to a run.
type Fault struct {
	ID   string
	Kind Kind
	// At is when it is done. A fault of a server lies in wait instead.
	At Moment
	// Server is the fault of a server, for the kinds that have one.
	Server fault.Fault
	// Process is what is killed, if that is not the worker.
	Process string
}

// Kind is what is done.
type Kind string

// Kinds of faults.
const (
	KillWorker    Kind = "worker killed"
	FreezeWorker  Kind = "worker frozen until another took over"
	OutliveWorker Kind = "worker frozen until the operation ended"
	KillProcess   Kind = "server killed"
	Refuse        Kind = "answers an error"
	TooLate       Kind = "answers late"
	CutOff        Kind = "cuts the connection"
	HoldAndKill   Kind = "worker killed in mid request"
	HoldAndFreeze Kind = "worker frozen in mid request"
)

// What else the table shows.
const (
	CancelOperator Kind = "(cancelled by the operator)"
	WatchAgain     Kind = "(command line gave up, `watch` went on)"
)

// Counts says whether a kind is a fault.
func (k Kind) Counts() bool { return k != CancelOperator && k != WatchAgain }

// Moment is when a fault is done: when a step has come to a state, or while Helm works on a release, or once a Secret is there;
// and then a while later.
type Moment struct {
	Step, State string
	Pending     string // release whose record says pending
	Secret      string // name
	After       time.Duration
}

// String is the moment in words.
func (m Moment) String() string {
	var text string
	switch {
	case m.Pending != "":
		text = "release " + m.Pending + " pending"
	case m.Secret != "":
		text = "Secret " + m.Secret + " made"
	case m.Step != "":
		text = m.Step + " " + m.State
	}
	if m.After > 0 {
		text += fmt.Sprintf(" +%v", m.After)
	}
	return text
}

// Where is the moment or the request that a fault is about.
func (f Fault) Where() string {
	if f.Server.Server == "" {
		return strings.TrimSpace(f.Process + " at " + f.At.String())
	}
	s := f.Server
	how := ""
	switch {
	case s.Status != 0 && s.RetryAfter > 0:
		how = fmt.Sprintf("%d with Retry-After %d", s.Status, s.RetryAfter)
	case s.Status != 0:
		how = fmt.Sprint(s.Status)
	case s.Cut != "":
		how = "cut at " + string(s.Cut)
	default:
		how = "after " + s.Delay
	}
	return fmt.Sprintf("%s %s %s: %s, %d× after %d", s.Server, s.Method, s.Path, how, s.Times, s.Skip)
}
