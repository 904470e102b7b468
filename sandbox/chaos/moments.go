package chaos

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/sandbox/fault"
	"lockstep/sandbox/world"
	"lockstep/workflows"
)

// await returns true when a fault's moment has come, and false if the operation ended first.
func (s *site) await(t testing.TB, run string, f Fault) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	came := make(chan struct{}, 1)
	go func() {
		if s.comes(ctx, run, f) {
			came <- struct{}{}
		}
	}()
	for tick := time.NewTicker(500 * time.Millisecond); ; {
		select {
		case <-came:
			return true
		case <-tick.C:
			if !s.goesOn(ctx, run) {
				return false
			}
		case <-ctx.Done():
			t.Fatalf("%s: neither did that come nor did the operation end", f.Where())
		}
	}
}

// comes waits for the moment, and then the while after it.
func (s *site) comes(ctx context.Context, run string, f Fault) bool {
	var came bool
	switch {
	case f.Kind == HoldAndKill || f.Kind == HoldAndFreeze:
		came = poll(ctx, 5*time.Millisecond, func() bool {
			hits, err := fault.Hits(fault.File(s.Dir))
			return err == nil && hits[f.ID] > 0
		})
	case f.At.Pending != "":
		came = s.watchSecrets(ctx, "", func(secret *corev1.Secret) bool {
			return secret.Labels["owner"] == "helm" && secret.Labels["name"] == f.At.Pending && strings.HasPrefix(secret.Labels["status"], "pending-")
		})
	case f.At.Secret != "":
		came = s.watchSecrets(ctx, world.Namespace, func(secret *corev1.Secret) bool { return secret.Name == f.At.Secret })
	default:
		came = poll(ctx, 30*time.Millisecond, func() bool { return s.reached(ctx, run, f.At) })
	}
	if !came || f.At.After == 0 {
		return came
	}
	select {
	case <-time.After(f.At.After):
		return true
	case <-ctx.Done():
		return false
	}
}

func poll(ctx context.Context, every time.Duration, holds func() bool) bool {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// watchSecrets waits for a Secret, through watches: what comes after it may be milliseconds away.
func (s *site) watchSecrets(ctx context.Context, namespace string, is func(*corev1.Secret) bool) bool {
	for ctx.Err() == nil {
		seen, err := s.kube.CoreV1().Secrets(namespace).Watch(ctx, metav1.ListOptions{})
		if err != nil {
			poll(ctx, 200*time.Millisecond, func() bool { return true })
			continue
		}
		for event := range seen.ResultChan() {
			if secret, ok := event.Object.(*corev1.Secret); ok && event.Type != "DELETED" && is(secret) {
				seen.Stop()
				return true
			}
		}
	}
	return false
}

// reached says whether a step is in a state or past it.
func (s *site) reached(ctx context.Context, run string, m Moment) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answer, err := s.Temporal.QueryWorkflow(ctx, workflows.CanonicalID(world.Environment), run, workflows.QueryStatus)
	if err != nil {
		return false
	}
	var status workflows.Status
	if err := answer.Get(&status); err != nil {
		return false
	}
	for _, step := range status.Steps {
		if step.Name == m.Step {
			return progress(step.State) >= progress(m.State)
		}
	}
	return false
}

// progress orders the states of a step.
func progress(state string) int {
	switch state {
	case workflows.StateRunning:
		return 1
	case workflows.StateDone, workflows.StateFailed, workflows.StateCancelled:
		return 2
	case workflows.StateUndoing:
		return 3
	case workflows.StateUndone, workflows.StateUndoFailed:
		return 4
	}
	return 0
}
