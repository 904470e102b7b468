package shared_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/shared"
	"lockstep/test/clustertest"
)

func quiet(string) {}

// TestRegister keeps a register on a real API server: only that refuses a write of what somebody else changed.
func TestRegister(t *testing.T) {
	plane := clustertest.Start(t)
	leases := plane.Client.Kube().CoordinationV1().Leases(shared.Namespace)
	r := shared.Register{Leases: leases, Every: 5 * time.Millisecond, Stale: time.Minute}
	for name, test := range map[string]func(*testing.T, shared.Register){
		"nobody begins while somebody removes":                  testExclusive,
		"those who begin at once are all entered":               testMany,
		"a dead remover is passed over":                         testDead,
		"after an error the environment is still a user":        testError,
		"the last environment is told what all of them brought": testBrought,
		"a remover that another has replaced stops":             testReplaced,
		"a user that is entered waits for nobody":               testEntered,
		"a removal that was taken over at its end says so":      testTaken,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, r)
			if _, err := leases.Get(t.Context(), shared.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("the Lease is there still (%v)", err)
			}
		})
	}
}

func begin(t *testing.T, r shared.Register, environment string, missing ...string) {
	t.Helper()
	look := func(context.Context) (shared.Brought, error) {
		return shared.Brought{CRDs: missing, Class: len(missing) > 0, Release: len(missing) > 0}, nil
	}
	if err := r.Begin(t.Context(), environment, shared.Use{Run: "1", Class: "c", Release: "ns/r"}, look, quiet); err != nil {
		t.Fatal(err)
	}
}

// leave gives the others.
func leave(t *testing.T, r shared.Register, environment string) (seen shared.Standing) {
	t.Helper()
	err := r.Alone(t.Context(), environment, "1", quiet, func(_ context.Context, s shared.Standing) (shared.Fate, error) {
		seen = s
		return shared.Gone, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func testExclusive(t *testing.T, r shared.Register) {
	begin(t, r, "a")
	began, said := make(chan error, 1), make(chan string, 1)
	err := r.Alone(t.Context(), "a", "1", quiet, func(context.Context, shared.Standing) (shared.Fate, error) {
		go func() {
			began <- r.Begin(t.Context(), "b", shared.Use{Run: "1"}, func(context.Context) (shared.Brought, error) { return shared.Brought{}, nil }, func(text string) {
				select {
				case said <- text:
				default:
				}
			})
		}()
		if text := <-said; !strings.Contains(text, "environment a") {
			t.Errorf("it says %q", text)
		}
		select {
		case err := <-began:
			t.Errorf("it began (%v)", err)
		default:
		}
		return shared.Gone, nil
	})
	if err := errors.Join(err, <-began); err != nil {
		t.Fatal(err)
	}
	leave(t, r, "b")
}

func testMany(t *testing.T, r shared.Register) {
	var all sync.WaitGroup
	var at, last atomic.Int32
	for i := range 4 {
		all.Go(func() {
			name := fmt.Sprintf("env-%d", i)
			begin(t, r, name)
			err := r.Alone(t.Context(), name, "1", quiet, func(_ context.Context, s shared.Standing) (shared.Fate, error) {
				if at.Add(1) != 1 {
					t.Error("two remove things at once")
				}
				if len(s.Users(func(shared.Use) bool { return true })) == 0 {
					last.Add(1)
				}
				at.Add(-1)
				return shared.Gone, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if last.Load() == 0 {
		t.Error("nobody was the last")
	}
}

func testDead(t *testing.T, r shared.Register) {
	begin(t, r, "a")
	r.Stale = 20 * time.Millisecond
	lease, err := r.Leases.Get(t.Context(), shared.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dead := "dead/1"
	lease.Spec.HolderIdentity = &dead
	if _, err := r.Leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	begin(t, r, "b")
	leave(t, r, "a")
	leave(t, r, "b")
}

func testError(t *testing.T, r shared.Register) {
	begin(t, r, "a", "x")
	err := r.Alone(t.Context(), "a", "1", quiet, func(context.Context, shared.Standing) (shared.Fate, error) { return shared.Gone, errors.New("broken") })
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("it ended with %v", err)
	}
	if s := leave(t, r, "a"); s.Own == nil || len(s.Own.Brought.CRDs) != 1 {
		t.Errorf("it is %+v", s.Own)
	}
}

func testBrought(t *testing.T, r shared.Register) {
	begin(t, r, "a", "x")
	begin(t, r, "b")
	if s := leave(t, r, "a"); len(s.Others) != 1 {
		t.Errorf("others are %v", s.Others)
	}
	if s := leave(t, r, "b"); len(s.Own.Brought.CRDs) != 1 || !s.Own.Brought.Release || s.Own.Brought.Environment != "a" {
		t.Errorf("it is %+v", s.Own)
	}
}

func testReplaced(t *testing.T, r shared.Register) {
	begin(t, r, "a")
	r.Stale = 600 * time.Millisecond
	err := r.Alone(t.Context(), "a", "1", quiet, func(ctx context.Context, _ shared.Standing) (shared.Fate, error) {
		takeOver(t, r)
		<-ctx.Done()
		return shared.Gone, nil
	})
	if err == nil || !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("it ended with %v", err)
	}
	if s := leave(t, r, "a"); s.Own == nil {
		t.Error("it was struck out all the same")
	}
}

func testEntered(t *testing.T, r shared.Register) {
	begin(t, r, "a")
	begin(t, r, "b")
	err := r.Alone(t.Context(), "b", "1", quiet, func(context.Context, shared.Standing) (shared.Fate, error) {
		begin(t, r, "a")
		return shared.Gone, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	leave(t, r, "a")
}

func testTaken(t *testing.T, r shared.Register) {
	begin(t, r, "a")
	begin(t, r, "b")
	err := r.Alone(t.Context(), "a", "1", quiet, func(context.Context, shared.Standing) (shared.Fate, error) {
		takeOver(t, r)
		return shared.Gone, nil
	})
	if err == nil || !strings.Contains(err.Error(), `Environment "a" still counts`) {
		t.Errorf("it ended with %v", err)
	}
	leave(t, r, "a")
	leave(t, r, "b")
}

// takeOver ends somebody's removal, between two of its own writes.
func takeOver(t *testing.T, r shared.Register) {
	t.Helper()
	for {
		lease, err := r.Leases.Get(t.Context(), shared.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		lease.Spec.HolderIdentity = nil
		if _, err := r.Leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err == nil {
			return
		}
	}
}
