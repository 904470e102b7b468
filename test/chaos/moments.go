package chaos

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/sandbox/fault"
	"lockstep/test/world"
	"lockstep/workflows"
	"lockstep/workflows/board"
)

// disturb injects each fault that does not lie in wait as its moment comes, and returns when all have come or the operation has ended.
func (s *site) disturb(t testing.TB, run string, faults []Fault) []Injected {
	t.Helper()
	var all []Injected
	for _, f := range faults {
		if !f.armed() {
			all = append(all, Injected{Fault: f, Missed: true})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var waits sync.WaitGroup
	defer waits.Wait()
	defer cancel()
	seen := &sight{}
	waits.Go(func() { seen.follow(ctx, s, run) })
	came := make(chan int, len(all))
	for i, one := range all {
		waits.Go(func() {
			if s.comes(ctx, seen, one.Fault) {
				came <- i
			}
		})
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for left := len(all); left > 0; {
		select {
		case i := <-came:
			all[i].Missed, all[i].Seen = false, s.inject(t, run, all[i].Fault)
			left--
		case <-tick.C:
			if !s.goesOn(ctx, run) {
				return all
			}
		}
	}
	return all
}

// sight is the newest answer to the status query of a run.
type sight struct {
	status atomic.Pointer[board.Status]
}

func (b *sight) follow(ctx context.Context, s *site, run string) {
	poll(ctx, 100*time.Millisecond, func() bool {
		asked, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		answer, err := s.Temporal.QueryWorkflow(asked, workflows.CanonicalID(world.Environment), run, board.QueryStatus)
		if err != nil {
			return false // there may be no worker
		}
		var status board.Status
		if answer.Get(&status) == nil {
			b.status.Store(&status)
		}
		return false
	})
}

// reached says whether a step is in a state or past it.
func (b *sight) reached(m Moment) bool {
	status := b.status.Load()
	return status != nil && slices.ContainsFunc(status.Steps, func(step board.StepStatus) bool {
		return step.Name == m.Step && progress(step.State) >= progress(m.State)
	})
}

// comes waits for the moment, and then the while after it.
func (s *site) comes(ctx context.Context, seen *sight, f Fault) bool {
	var came bool
	switch {
	case f.Kind == HoldAndKill || f.Kind == HoldAndFreeze:
		came = poll(ctx, 5*time.Millisecond, func() bool {
			hits, err := fault.Hits(fault.File(s.Dir()))
			return err == nil && hits[f.ID] > 0
		})
	case f.At.Pending != "":
		came = s.watchSecrets(ctx, "", func(secret *corev1.Secret) bool {
			return secret.Labels["owner"] == "helm" && secret.Labels["name"] == f.At.Pending && strings.HasPrefix(secret.Labels["status"], "pending-")
		})
	case f.At.Secret != "":
		came = s.watchSecrets(ctx, world.Namespace, func(secret *corev1.Secret) bool { return secret.Name == f.At.Secret })
	default:
		came = poll(ctx, 10*time.Millisecond, func() bool { return seen.reached(f.At) })
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

// progress orders the states of a step.
func progress(state string) int {
	switch state {
	case board.StateRunning:
		return 1
	case board.StateDone, board.StateFailed, board.StateCancelled:
		return 2
	case board.StateUndoing:
		return 3
	case board.StateUndone, board.StateUndoFailed:
		return 4
	}
	return 0
}
