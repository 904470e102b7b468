package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/sandbox/process"
	"lockstep/sandbox/supervisor"
	"lockstep/sandbox/world"
	"lockstep/workflows"
)

// inject does what a fault says, now, and returns what it met.
func (s *site) inject(t testing.TB, run string, f Fault) (seen string) {
	t.Helper()
	switch f.Kind {
	case KillWorker, HoldAndKill:
		s.StopWorker(t, syscall.SIGKILL)
		seen = s.met(t, run, f)
		s.StartWorker(t)
	case FreezeWorker, HoldAndFreeze:
		s.freeze(t)
		seen = s.met(t, run, f)
		s.StartWorker(t)
		seen += s.takeover(t, run)
		s.thaw(t)
	case OutliveWorker:
		s.freeze(t)
		seen = s.met(t, run, f)
		s.StartWorker(t)
	case KillProcess:
		s.killProcess(t, f.Process)
		seen = s.met(t, run, f)
	case CancelOperator:
		s.Lockstep(t, "cancel", world.Environment)
	default:
		t.Fatalf("nobody knows how to inject %q", f.Kind)
	}
	return seen
}

// met is what a fault found: releases that are pending, Secrets that were made, activities that were under way.
func (s *site) met(t testing.TB, run string, f Fault) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var met []string
	if f.At.Pending != "" {
		records, err := s.kube.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + f.At.Pending})
		if err == nil {
			for _, record := range records.Items {
				met = append(met, "v"+record.Labels["version"]+" "+record.Labels["status"])
			}
		}
		return strings.Join(met, ", ")
	}
	if f.At.Secret != "" {
		secrets, err := s.kube.CoreV1().Secrets(world.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=lockstep"})
		if err == nil {
			for _, secret := range secrets.Items {
				met = append(met, secret.Name)
			}
		}
		return "there: " + strings.Join(met, ", ")
	}
	d, err := s.Temporal.DescribeWorkflowExecution(ctx, workflows.CanonicalID(world.Environment), run)
	if err != nil {
		return ""
	}
	for _, pending := range d.GetPendingActivities() {
		met = append(met, strings.TrimPrefix(pending.GetActivityType().GetName(), "Activities.")+" of "+workflows.StepOf(pending.GetActivityId()))
	}
	slices.Sort(met)
	if len(met) == 0 {
		return "between activities"
	}
	return "amid " + strings.Join(met, ", ")
}

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

// killProcess kills a program of the sandbox and returns when its successor answers.
func (s *site) killProcess(t testing.TB, name string) {
	t.Helper()
	victim := s.process(t, name)
	if !victim.Alive() {
		t.Fatalf("%s does not run", name)
	}
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	world.Eventually(t, name+" is started again", func() bool { return s.process(t, name).PID != victim.PID })
	s.reachable(t)
}

func (s *site) process(t testing.TB, name string) process.ID {
	t.Helper()
	state, err := supervisor.Status(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range state.Processes {
		if id.Name == name {
			return id
		}
	}
	return process.ID{Name: name}
}

// reachable waits until Kubernetes and Temporal answer.
func (s *site) reachable(t testing.TB) {
	t.Helper()
	world.Eventually(t, "Kubernetes answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return s.kube.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
	})
	world.Eventually(t, "Temporal answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := s.Temporal.WorkflowService().GetSystemInfo(ctx, nil)
		return err == nil
	})
}
