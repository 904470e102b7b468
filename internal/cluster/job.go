package cluster

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DiagnoseJob looks once at a Job, as a chart's hook makes it, and gives a *[Problem] if it has failed or cannot
// succeed. A Job that runs, succeeded, or is not there is no error: Helm says of a failed hook only that it timed out,
// so this is called beside it.
func (c *Client) DiagnoseJob(ctx context.Context, namespace, name string, options ...WaitOption) error {
	doing := "looking at Job " + namespace + "/" + name
	job, err := c.kube.BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return classify(doing, err)
	}
	pods, err := c.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + name})
	if err != nil {
		return classify(doing, err)
	}
	list, err := c.kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return classify(doing, err)
	}
	problem, at := diagnoseJob(job, pointers(pods.Items), pointers(list.Items), time.Now())
	if problem == nil {
		return nil
	}
	return c.conclude(ctx, "Job "+namespace+"/"+name, problem, verdict{log: at}, func() string { return "" }, optionsOf(options))
}

func diagnoseJob(job *batchv1.Job, pods []*corev1.Pod, all events, now time.Time) (*Problem, logRef) {
	if job.Status.Succeeded > 0 {
		return nil, logRef{}
	}
	var failed *corev1.Pod
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodFailed {
			failed = pod
			continue
		}
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		if problem, at := checkPod(viewOf(all, pod, watched{now: now, started: job.CreationTimestamp.Time}), false); problem != nil {
			return problem, at
		}
	}
	for _, condition := range job.Status.Conditions {
		if condition.Type == batchv1.JobFailed && condition.Status == corev1.ConditionTrue {
			problem := &Problem{Reason: "JobFailed", Object: "Job " + job.Namespace + "/" + job.Name,
				Evidence: joinLines(condition.Reason+": "+clip(firstLine(condition.Message)), all.of(job.UID).evidence()),
				NextMove: "correct what the log shows, then run again"}
			return problem, failedContainer(problem, failed, all)
		}
	}
	return nil, logRef{}
}

// failedContainer adds how the pod ended, and gives the log to read.
func failedContainer(problem *Problem, pod *corev1.Pod, all events) logRef {
	if pod == nil {
		return logRef{}
	}
	problem.Evidence = joinLines(problem.Evidence, all.of(pod.UID).evidence())
	for _, c := range containersOf(pod) {
		if c.status == nil || c.status.State.Terminated == nil || c.status.State.Terminated.ExitCode == 0 {
			continue
		}
		problem.Evidence = joinLines(problem.Evidence, fmt.Sprintf("%s ended with code %d", c.spec.Name, c.status.State.Terminated.ExitCode))
		return logRef{pod.Namespace, pod.Name, c.spec.Name}
	}
	return logRef{}
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}
