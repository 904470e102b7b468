package hook

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"lockstep/internal/failure"
)

func TestCompleteHookEndsTheWait(t *testing.T) {
	cluster := fake.NewClientset(job(batchv1.JobComplete, ""))
	if err := wait(cluster).Wait(context.Background(), "apps", "setup", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestHookThatBecomesCompleteEndsTheWait(t *testing.T) {
	cluster := fake.NewClientset(job("", ""), pod("", ""))
	w := wait(cluster)
	w.Progress = func(string) { // the first word about its pods: it is waited for by now
		if _, err := cluster.BatchV1().Jobs("apps").Update(context.Background(), job(batchv1.JobComplete, ""), metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
	}
	if err := w.Wait(context.Background(), "apps", "setup", time.Minute); err != nil {
		t.Error(err)
	}
}

func TestHookThatCannotCompleteFailsFastWithTheEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		job      *batchv1.Job
		pod      *corev1.Pod
		diagnose func(context.Context, string, string) error
		want     []string
	}{
		"failed":           {job(batchv1.JobFailed, "BackoffLimitExceeded"), pod("", ""), nil, []string{"setup failed", "BackoffLimitExceeded"}},
		"no such image":    {job("", ""), pod("ErrImagePull", "manifest unknown"), nil, []string{"cannot run", "setup-x", "ErrImagePull: manifest unknown"}},
		"crashes":          {job("", ""), pod("CrashLoopBackOff", ""), nil, []string{"cannot run", "CrashLoopBackOff"}},
		"other diagnosis":  {job("", ""), pod("", ""), func(context.Context, string, string) error { return errors.New("no such node") }, []string{"no such node"}},
		"no pod ever made": {job("", ""), nil, nil, []string{"not complete after 50ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := fake.NewClientset(c.job)
			if c.pod != nil {
				cluster = fake.NewClientset(c.job, c.pod)
			}
			timeout := time.Minute
			if c.pod == nil {
				timeout = 50 * time.Millisecond
			}
			w := wait(cluster)
			w.Diagnose = c.diagnose
			err := w.Wait(context.Background(), "apps", "setup", timeout)
			if failure.ReasonOf(err) != Failed {
				t.Fatalf("got %v", err)
			}
			for _, part := range append(c.want, "Next: run `kubectl -n apps describe job setup`") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
			diagnosed := strings.Contains(err.Error(), "cannot run")
			if failure.IsRetryable(err) == diagnosed {
				t.Errorf("retryable is %v: %v", !diagnosed, err)
			}
		})
	}
}

func TestHookWaitSaysWhatThePodsDo(t *testing.T) {
	var said []string
	w := wait(fake.NewClientset(job("", ""), pod("ImagePullBackOff", "")))
	w.Progress = func(text string) { said = append(said, text) }
	_ = w.Wait(context.Background(), "apps", "setup", time.Minute)
	if !slices.Equal(said, []string{"hook Job setup: pod setup-x ImagePullBackOff"}) {
		t.Errorf("progress was %q", said)
	}
}

func TestCancelledHookWaitEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	w := wait(fake.NewClientset(job("", ""), pod("", "")))
	w.Progress = func(string) { cancel() }
	if err := w.Wait(ctx, "apps", "setup", time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPatienceWithWhatMayStillCome(t *testing.T) {
	unscheduled := pod("", "")
	unscheduled.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "1 Insufficient cpu"}}
	for _, p := range []*corev1.Pod{unscheduled, pod("CreateContainerConfigError", `secret "x" not found`)} {
		if err := stuck([]corev1.Pod{*p}, time.Second); err != nil {
			t.Errorf("given up after a second: %v", err)
		}
		err := stuck([]corev1.Pod{*p}, patience+time.Second)
		if err == nil || !strings.Contains(err.Error(), "setup-x") {
			t.Errorf("not given up: %v", err)
		}
	}
}

func wait(cluster *fake.Clientset) Waiter {
	return Waiter{Cluster: cluster, Progress: func(string) {}}
}

func job(condition batchv1.JobConditionType, reason string) *batchv1.Job {
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "setup", Namespace: "apps"}}
	if condition != "" {
		j.Status.Conditions = []batchv1.JobCondition{{Type: condition, Status: corev1.ConditionTrue, Reason: reason}}
	}
	return j
}

func pod(waiting, message string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "setup-x", Namespace: "apps", Labels: map[string]string{"job-name": "setup"}}}
	p.Status.Phase = corev1.PodPending
	if waiting != "" {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "setup", State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: waiting, Message: message}}}}
	}
	return p
}
