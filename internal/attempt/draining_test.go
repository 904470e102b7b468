package attempt

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"lockstep/internal/failure"
)

// drained runs one activity under that name on a worker, and returns its error.
func drained(t *testing.T, d *Draining, name string, does func(context.Context) error) error {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{d, &Failures{}}})
	env.RegisterActivityWithOptions(does, activity.RegisterOptions{Name: name})
	_, err := env.ExecuteActivity(name)
	return err
}

// handedOver says whether Temporal tries again, and soon.
func handedOver(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && !app.NonRetryable() && app.Type() == string(failure.Unavailable) && app.NextRetryDelay() == handOverDelay
}

func untilEnded(ctx context.Context) error {
	<-ctx.Done()
	return failure.Final(failure.NotReady, "cut off")
}

func TestAStoppingWorkerHandsAWaitOverAtOnce(t *testing.T) {
	var d Draining
	err := drained(t, &d, "WaitWorkload", func(ctx context.Context) error {
		over, finishing := d.Stop()
		if len(over) != 1 || len(finishing) != 0 {
			t.Errorf("handed over %v, finishing %v", over, finishing)
		}
		return untilEnded(ctx)
	})
	if !handedOver(err) {
		t.Errorf("got %v", err)
	}
	if left := d.Running(); len(left) > 0 {
		t.Errorf("%v still runs", left)
	}
}

func TestAStoppingWorkerLetsFinishWhatActs(t *testing.T) {
	var d Draining
	err := drained(t, &d, "ApplyRelease", func(ctx context.Context) error {
		over, finishing := d.Stop()
		want := []string{"default-test-workflow-id 0 ApplyRelease"}
		if diff := cmp.Diff(want, finishing); diff != "" || len(over) != 0 {
			t.Errorf("handed over %v, finishing (-want +got):\n%s", over, diff)
		}
		return ctx.Err()
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotDoneInTimeIsHandedOver(t *testing.T) {
	var d Draining
	err := drained(t, &d, "BuildImage", func(ctx context.Context) error {
		d.Stop()
		d.HandOver()
		return untilEnded(ctx)
	})
	if !handedOver(err) {
		t.Errorf("got %v", err)
	}
}

func TestWhatWasDoneAfterAllIsNotHandedOver(t *testing.T) {
	var d Draining
	err := drained(t, &d, "ApplyRelease", func(context.Context) error {
		d.Stop()
		d.HandOver()
		return nil // Helm does not stop when it is told to
	})
	if err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAStoppingWorkerBeginsNothing(t *testing.T) {
	var d Draining
	d.Stop()
	err := drained(t, &d, "ApplyRelease", func(context.Context) error {
		t.Error("it began")
		return nil
	})
	if !handedOver(err) {
		t.Errorf("got %v", err)
	}
}

func TestADiagnosisOfAWorkerThatGoesOnStays(t *testing.T) {
	var d Draining
	err := drained(t, &d, "WaitWorkload", func(context.Context) error { return failure.Final(failure.NotReady, "CrashLoopBackOff") })
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != string(failure.NotReady) {
		t.Errorf("got %v", err)
	}
}

func TestOnItsLastAttemptAWaitGoesOnAsLongAsItMay(t *testing.T) {
	info := func(n int32) *task {
		a := &task{end: func(error) {}}
		a.info.ActivityType.Name, a.info.Attempt = "WaitGateway", n
		a.info.RetryPolicy = &temporal.RetryPolicy{MaximumAttempts: 6, InitialInterval: time.Second}
		return a
	}
	for n, want := range map[int32]int{5: 1, 6: 0} {
		var d Draining
		d.enter(info(n))
		if over, finishing := d.Stop(); len(over) != want || len(finishing) != 1-want {
			t.Errorf("attempt %d: handed over %v, finishing %v", n, over, finishing)
		}
	}
	if text := fmt.Sprint(info(6).handOver()); text != "the worker was stopped before WaitGateway had ended, in the last of its 6 attempts. "+
		"Next: check that a worker keeps running, then start the operation again (type: Unavailable, retryable: true)" {
		t.Errorf("got %q", text)
	}
}
