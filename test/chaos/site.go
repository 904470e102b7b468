package chaos

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/sandbox/fault"
	"lockstep/test/world"
	"lockstep/workflows"
)

// site is a sandbox in which runs follow each other.
type site struct {
	*world.World
	kube       kubernetes.Interface
	now        State // of the environment; "" if a run left it as nobody knows
	references map[State]Fingerprint
	frozen     []*exec.Cmd // workers to be continued when the operation has ended
	leaving    []*exec.Cmd // workers that were told to end
}

// Start brings up a sandbox for runs.
func newSite(t testing.TB) *site {
	t.Helper()
	w := world.InSandbox(t, "it kills etcd, the API server and Temporal, and has servers cut off answers")
	w.Watch(t)
	return &site{World: w, kube: w.Client(t), now: Nothing, references: map[State]Fingerprint{}}
}

// run carries out a run. It fails the test unless the run ended well.
func (s *site) run(t *testing.T, result *Result) {
	t.Helper()
	began := time.Now()
	defer func() { result.Took = time.Since(began) }()
	o := result.Run.Operation
	s.prepare(t, o)
	before := s.earlier(t)
	s.now = ""
	said := s.carryOut(t, result)
	result.Ending, result.Why = s.judge(t, o, before, said)
	switch {
	case result.Ending == Wrong:
		result.Why = fmt.Sprintf("%s\n\nThe command line said:\n%s%s", result.Why, said.Out, said.Err)
		t.Error(result.Why)
	case said.Code == world.Done:
		s.now = o.To
	default:
		s.now = before.state
	}
}

// carryOut has the operation run and its faults happen, and returns when it has ended and all servers answer again.
func (s *site) carryOut(t *testing.T, result *Result) world.Said {
	r := result.Run
	s.arm(t, r.Faults...)
	last := s.Run(t)
	call := s.Begin(t, s.arguments(t, r.Operation)...)
	defer s.heal(t) // also if the test ends here
	world.Eventually(t, "the operation has begun", func() bool { return s.Run(t) != last })
	run := s.Run(t)
	result.Injected = s.disturb(t, run, r.Faults)
	s.ended(t, run)
	s.heal(t)
	result.Injected = append(result.Injected, s.hits(t, r)...)
	said := call.End(t)
	if said.Code == world.Done || said.Code == world.RolledBack || said.Code == world.Failed {
		return said
	}
	result.Injected = append(result.Injected, Injected{Fault: Fault{Kind: WatchAgain}, Seen: fmt.Sprintf("exit code %d", said.Code)})
	return s.Lockstep(t, "watch", world.Environment)
}

// armed says whether a server carries the fault out by itself, when a request meets it.
func (f Fault) armed() bool { return f.Kind == Refuse || f.Kind == TooLate || f.Kind == CutOff }

// arm replaces the faults of servers.
func (s *site) arm(t testing.TB, faults ...Fault) {
	t.Helper()
	var armed []fault.Fault
	for _, f := range faults {
		if f.Server.Server != "" {
			armed = append(armed, f.Server)
		}
	}
	s.Fault(t, armed...)
}

// hits are the faults that servers were armed with, and the requests that met them.
func (s *site) hits(t testing.TB, r Run) (met []Injected) {
	t.Helper()
	hits := s.Faulted(t)
	for _, f := range r.Faults {
		if n := hits[f.ID]; f.armed() {
			met = append(met, Injected{Fault: f, Missed: n == 0, Seen: fmt.Sprintf("%d requests", n)})
		}
	}
	return met
}

// ended waits until the run of the workflow has closed.
func (s *site) ended(t testing.TB, run string) {
	t.Helper()
	const limit = 12 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for s.goesOn(ctx, run) {
		select {
		case <-ctx.Done():
			t.Fatalf("the operation does not end within %v", limit)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// goesOn is true also while Temporal does not answer.
func (s *site) goesOn(ctx context.Context, run string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.CanonicalID(world.Environment), run)
	return err != nil || d.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
}
