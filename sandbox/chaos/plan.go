// Package chaos runs operations in a sandbox while it kills and breaks what they depend on, and proves of each run that it ended
// as it would have ended without the faults, or that all it did was undone.
package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"lockstep/sandbox/fault"
)

// Run is one operation with its faults. It follows from its seed alone.
type Run struct {
	Seed      uint64
	Operation Operation
	Faults    []Fault
}

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
	KillWorker     Kind = "worker killed"
	FreezeWorker   Kind = "worker frozen until another took over"
	OutliveWorker  Kind = "worker frozen until the operation ended"
	KillProcess    Kind = "server killed"
	Refuse         Kind = "answers an error"
	TooLate        Kind = "answers late"
	CutOff         Kind = "cuts the connection"
	HoldAndKill    Kind = "worker killed in mid request"
	HoldAndFreeze  Kind = "worker frozen in mid request"
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

// PlanRun is the run of a seed. Seeds that follow each other take the operations in turn, and each operation's runs take its step
// boundaries and special moments in turn, so that a few hundred faults have met all of them; the rest is random.
func PlanRun(seed uint64) Run {
	all := operations()
	operation := all[seed%uint64(len(all))]
	turn := int(seed / uint64(len(all)) % (1 << 30))
	p := planner{Rand: rand.New(rand.NewPCG(seed, 0)), operation: operation}
	run := Run{Seed: seed, Operation: operation}
	for i := range boundaryKills {
		run.Faults = append(run.Faults, Fault{Kind: KillWorker, At: operation.boundaries[(turn*boundaryKills+i)%len(operation.boundaries)]})
	}
	run.Faults = append(run.Faults, operation.specials[turn%len(operation.specials)], p.inside())
	for range serverFaults {
		if len(operation.points) > 0 {
			run.Faults = append(run.Faults, p.atServer())
		}
	}
	if operation.Cancel {
		run.Faults = append(run.Faults, Fault{Kind: CancelOperator, At: p.somewhere(operation.cancelAt)})
	}
	for i := range run.Faults {
		run.Faults[i].ID = fmt.Sprintf("%d.%d", seed, i+1)
		if run.Faults[i].Server.Server != "" {
			run.Faults[i].Server.ID = run.Faults[i].ID
		}
	}
	return run
}

const (
	boundaryKills = 2
	serverFaults  = 2
)

// planner draws what is random in a run.
type planner struct {
	*rand.Rand
	operation Operation
}

// inside is a kill at a random instant of a random step, or of a server.
func (p planner) inside() Fault {
	at := p.somewhere(p.operation.inside)
	if p.IntN(3) > 0 {
		return Fault{Kind: KillWorker, At: at}
	}
	return Fault{Kind: KillProcess, At: at, Process: pick(p, []string{"temporal", "kube-apiserver", "etcd"})}
}

func (p planner) somewhere(moments []Moment) Moment {
	at := pick(p, moments)
	at.After = time.Duration(p.IntN(40)) * 50 * time.Millisecond
	return at
}

// atServer is a fault of a server in answering some request.
func (p planner) atServer() Fault {
	at := pick(p, p.operation.points)
	at.Skip, at.Times = p.IntN(2), 1+p.IntN(2)
	switch roll := p.IntN(20); {
	case roll < 9:
		at.Status = pick(p, []int{429, 429, 500, 502, 503, 503})
		if at.Status != 500 && p.IntN(2) == 0 {
			at.RetryAfter = 1 + p.IntN(2)
		}
		return Fault{Kind: Refuse, Server: at}
	case roll < 17:
		at.Cut = pick(p, []fault.Cut{fault.CutStart, fault.CutAnswer, fault.CutBody})
		return Fault{Kind: CutOff, Server: at}
	case roll < 19:
		at.Delay = fmt.Sprintf("%ds", 2+p.IntN(5))
	default:
		at.Delay, at.Times = tooLate, 1
	}
	return Fault{Kind: TooLate, Server: at}
}

// tooLate is past the time that any request of Lockstep's may take.
const tooLate = "50s"

func pick[T any](p planner, from []T) T { return from[p.IntN(len(from))] }
