package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"

	"lockstep/test/world"
	"lockstep/workflows"
)

// freeze stops the worker where it is.
func (s *site) freeze(t testing.TB) {
	t.Helper()
	if err := s.Worker.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.frozen = append(s.frozen, s.Worker)
}

// takeover waits until another worker has begun what the frozen one had under way, or nothing was.
func (s *site) takeover(t testing.TB, run string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.CanonicalID(world.Environment), run)
		if err == nil {
			if d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
				return ", ended before"
			}
			again := 0
			for _, pending := range d.GetPendingActivities() {
				if pending.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED && pending.GetAttempt() > 1 {
					again++
				}
			}
			if again > 0 {
				return fmt.Sprintf(", %d taken over", again)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("nobody takes over from a frozen worker")
		}
	}
}

// thaw continues the frozen workers and tells them to end when they are done.
func (s *site) thaw(t testing.TB) {
	t.Helper()
	for _, worker := range s.frozen {
		for _, signal := range []syscall.Signal{syscall.SIGCONT, syscall.SIGTERM} {
			if err := worker.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Error(err)
			}
		}
		s.leaving = append(s.leaving, worker)
	}
	s.frozen = nil
}

// heal ends all faults, and returns when everything answers and no earlier worker is left. One that was frozen until now must find
// that it may write nothing any more.
func (s *site) heal(t testing.TB) {
	t.Helper()
	s.arm(t)
	s.reachable(t)
	late := len(s.frozen) > 0
	var versions, tags map[string]string
	if late {
		versions, tags = s.Versions(t), s.Tags(t)
	}
	s.thaw(t)
	for _, worker := range s.leaving {
		gone := make(chan struct{})
		go func() {
			_ = worker.Wait()
			close(gone)
		}()
		select {
		case <-gone:
		case <-time.After(90 * time.Second):
			t.Error("a worker that was told to end does not")
			_ = worker.Process.Kill()
			<-gone
		}
	}
	s.leaving = nil
	if late {
		if diff := cmp.Diff(versions, s.Versions(t)) + cmp.Diff(tags, s.Tags(t)); diff != "" {
			t.Errorf("a worker that was frozen until the operation had ended wrote:\n%s", diff)
		}
	}
}
