// Package hook waits for the Jobs that a chart's hooks run. Helm itself says nothing but "timed out" after the whole timeout; this says
// at once why a Job cannot complete.
package hook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"lockstep/internal/failure"
)

// Failed is the reason of failures of hooks: one failed, or cannot start.
const Failed = "HookFailed"

// between is how often the pods of a Job are looked at.
const between = 500 * time.Millisecond

// Waiter waits for hook Jobs.
type Waiter struct {
	Cluster kubernetes.Interface
	// Diagnose says why the Job in namespace can never succeed, or nil while it still may. It is asked every other second; an error ends
	// the wait. Nil: a look at the Job's pods.
	Diagnose func(ctx context.Context, namespace, job string) error
	// Progress is told what the Job's pods do.
	Progress func(string)
}

// Wait waits until a hook Job is complete. It ends early, with the evidence, when the Job cannot complete any more. The end of ctx
// keeps its identity.
func (w Waiter) Wait(ctx context.Context, namespace, name string, timeout time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	waiting, stop := context.WithCancelCause(waiting)
	inspected := make(chan struct{})
	go func() {
		defer close(inspected)
		w.inspect(waiting, namespace, name, stop)
	}()
	err := w.completion(waiting, namespace, name)
	cause := context.Cause(waiting)
	stop(nil)
	<-inspected // it must not outlive the wait
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("waiting for hook Job %s: %w", name, context.Cause(ctx))
	}
	return failed(namespace, name, timeout, err, cause)
}

// completion follows the Job until it is complete or has failed.
func (w Waiter) completion(ctx context.Context, namespace, name string) error {
	jobs := w.Cluster.BatchV1().Jobs(namespace)
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = selector
			return jobs.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = selector
			return jobs.Watch(ctx, o)
		},
	}
	watched := cache.ToListWatcherWithWatchListSemantics(source, w.Cluster) // not every server streams lists
	_, err := watchtools.UntilWithSync(ctx, watched, &batchv1.Job{}, nil, finished)
	return err
}

// errDeleted is for a Job that vanishes before it is complete. Helm takes that for success.
var errDeleted = errors.New("it was deleted before it was complete")

func finished(event watch.Event) (bool, error) {
	job, isJob := event.Object.(*batchv1.Job)
	if !isJob {
		return false, nil
	}
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case batchv1.JobComplete:
			return true, nil
		case batchv1.JobFailed:
			return false, fmt.Errorf("%s: %s", condition.Reason, condition.Message)
		}
	}
	if event.Type == watch.Deleted {
		return false, errDeleted
	}
	return false, nil
}

// inspect looks at the Job's pods while it runs, says what they do, and stops the wait if they can never succeed.
func (w Waiter) inspect(ctx context.Context, namespace, name string, stop context.CancelCauseFunc) {
	since, said := time.Now(), ""
	for round := 0; ; round++ {
		pods, err := w.podsOf(ctx, namespace, name)
		if err == nil { // an unanswered question is asked again
			if text := fmt.Sprintf("hook Job %s: %s", name, describe(pods)); text != said {
				w.Progress(text)
				said = text
			}
			if err := w.hopeless(ctx, round, namespace, name, pods, time.Since(since)); err != nil {
				stop(err)
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(between):
		}
	}
}

// hopeless says why a hook Job will not succeed, or nil while it may. The caller's diagnosis reads events and logs, so
// it is asked only every fourth time.
func (w Waiter) hopeless(ctx context.Context, round int, namespace, name string, pods []corev1.Pod, waited time.Duration) error {
	if w.Diagnose == nil {
		return stuck(pods, waited)
	}
	if round%4 != 3 {
		return nil
	}
	err := w.Diagnose(ctx, namespace, name)
	if ctx.Err() != nil || transient(err) {
		return nil
	}
	return err
}

func (w Waiter) podsOf(ctx context.Context, namespace, job string) ([]corev1.Pod, error) {
	list, err := w.Cluster.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + job})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// failed says why a wait ended: by a diagnosis, which says that waiting does not help, by its time, or by the Job itself.
func failed(namespace, name string, timeout time.Duration, err, cause error) error {
	var e *failure.Error
	switch {
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded):
		e = failure.Final(failure.NotReady, "hook Job %s cannot run: %w", name, cause)
	case cause != nil:
		e = failure.Transient(failure.Unavailable, "hook Job %s is not complete after %s", name, timeout)
	default:
		e = failure.Transient(failure.Unavailable, "hook Job %s failed: %w", name, err)
	}
	e.Reason, e.Next = Failed, fmt.Sprintf("run `kubectl -n %s describe job %s`, and look at its pods", namespace, name)
	return e
}

// transient says whether a question to the cluster may just be asked again.
func transient(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || apierrors.IsTimeout(err)
}
