package chaos

import (
	"context"
	"syscall"
	"testing"
	"time"

	"lockstep/sandbox/process"
	"lockstep/sandbox/supervisor"
	"lockstep/test/world"
)

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
	state, err := supervisor.Status(s.Dir())
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
