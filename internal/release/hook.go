package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// job waits until a hook Job is complete. It ends early, with the evidence, when the Job cannot complete any more:
// Helm itself would say nothing but "timed out" after the whole timeout.
func (w *waiter) job(namespace, name string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	inspected := make(chan struct{})
	go func() {
		defer close(inspected)
		w.inspect(ctx, namespace, name, stop)
	}()
	err := w.completion(ctx, namespace, name)
	cause := context.Cause(ctx)
	stop(nil)
	<-inspected // it must not outlive the wait
	if err == nil {
		return nil
	}
	return w.fail(w.hookError(namespace, name, timeout, err, cause))
}

// completion follows the Job until it is complete or has failed.
func (w *waiter) completion(ctx context.Context, namespace, name string) error {
	jobs := w.cluster.BatchV1().Jobs(namespace)
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
	watched := cache.ToListWatcherWithWatchListSemantics(source, w.cluster) // not every server streams lists
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
func (w *waiter) inspect(ctx context.Context, namespace, name string, stop context.CancelCauseFunc) {
	since, said := time.Now(), ""
	for round := 0; ; round++ {
		pods, err := w.podsOf(ctx, namespace, name)
		if err == nil { // an unanswered question is asked again
			if text := fmt.Sprintf("hook Job %s: %s", name, describe(pods)); text != said {
				w.progress(text)
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
func (w *waiter) hopeless(ctx context.Context, round int, namespace, name string, pods []corev1.Pod, waited time.Duration) error {
	if w.diagnose == nil {
		return stuck(pods, waited)
	}
	if round%4 != 3 {
		return nil
	}
	err := w.diagnose(ctx, namespace, name)
	if ctx.Err() != nil || passing(err) {
		return nil
	}
	return err
}

func (w *waiter) podsOf(ctx context.Context, namespace, job string) ([]corev1.Pod, error) {
	list, err := w.cluster.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "job-name=" + job})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

func (w *waiter) hookError(namespace, name string, timeout time.Duration, err, cause error) error {
	if w.ctx.Err() != nil {
		return fmt.Errorf("waiting for hook Job %s: %w", name, context.Cause(w.ctx))
	}
	next := fmt.Sprintf("look at kubectl -n %s describe job %s and its pods", namespace, name)
	switch {
	case cause != nil && !errors.Is(cause, context.DeadlineExceeded): // the diagnosis says that waiting does not help
		return final(HookFailed, next, "hook Job %s cannot run: %w", name, cause)
	case cause != nil:
		return transient(HookFailed, next, "hook Job %s is not complete after %s", name, timeout)
	}
	return transient(HookFailed, next, "hook Job %s failed: %w", name, err)
}
