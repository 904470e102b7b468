// Package chaos runs operations in a sandbox while it kills and breaks what they depend on, and proves of each run that it ended
// as it would have ended without the faults, or that all it did was undone.
package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lockstep/sandbox/fault"
)

// Run is one operation with its faults. It follows from its seed alone.
type Run struct {
	Seed      uint64
	Operation Operation
	Faults    []Fault
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
