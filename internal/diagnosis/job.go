package diagnosis

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Job is what the cluster shows of a Job, as a chart's hook makes it, at one moment.
type Job struct {
	Job    *batchv1.Job
	Pods   []*corev1.Pod // of the Job
	Events Events        // of the namespace
	Now    time.Time
}

// Judge finds a Job that has failed or cannot succeed. One that runs is neither done nor a problem.
func (j Job) Judge() Verdict {
	if j.Job.Status.Succeeded > 0 {
		return Verdict{Done: true}
	}
	problem, log := j.problem()
	return Verdict{Problem: problem, Log: log}
}

func (j Job) problem() (*Problem, Log) {
	var failed *corev1.Pod
	for _, pod := range j.Pods {
		if pod.Status.Phase == corev1.PodFailed {
			failed = pod
			continue
		}
		if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded {
			continue
		}
		if problem, at := checkPod(viewOf(j.Events, pod, Moment{Now: j.Now, Started: j.Job.CreationTimestamp.Time}), false); problem != nil {
			return problem, at
		}
	}
	for _, condition := range j.Job.Status.Conditions {
		if condition.Type == batchv1.JobFailed && condition.Status == corev1.ConditionTrue {
			problem := &Problem{Reason: "JobFailed", Object: "Job " + j.Job.Namespace + "/" + j.Job.Name,
				Evidence: joinLines(condition.Reason+": "+firstLine(condition.Message), j.Events.of(j.Job.UID).evidence()),
				NextMove: "correct what the log shows, then run again"}
			return problem, failedContainer(problem, failed, j.Events)
		}
	}
	return nil, Log{}
}

// failedContainer adds how the pod ended, and gives the log to read.
func failedContainer(problem *Problem, pod *corev1.Pod, all Events) Log {
	if pod == nil {
		return Log{}
	}
	problem.Evidence = joinLines(problem.Evidence, all.of(pod.UID).evidence())
	for _, c := range containersOf(pod) {
		if c.status == nil || c.status.State.Terminated == nil || c.status.State.Terminated.ExitCode == 0 {
			continue
		}
		problem.Evidence = joinLines(problem.Evidence, fmt.Sprintf("%s ended with code %d", c.spec.Name, c.status.State.Terminated.ExitCode))
		return Log{pod.Namespace, pod.Name, c.spec.Name}
	}
	return Log{}
}
