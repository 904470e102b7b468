package diagnosis

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// checkContainer judges one container that is not ready; withLog says that its log belongs to the problem.
func (v podView) checkContainer(c container) (_ *Problem, withLog bool) {
	if waiting := c.status.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "InvalidImageName":
			return v.imageProblem(c, "correct the image's name in the environment file"), false
		case "ErrImageNeverPull":
			return v.imageProblem(c, "let the pods pull it ("+v.fields.value("image")+", its pull policy), or load it onto the nodes"), false
		case "ErrImagePull", "ImagePullBackOff":
			return v.checkPull(c), false
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			if started := v.pod.Status.StartTime; started != nil && v.lasts(started.Time, mountGrace) {
				return &Problem{Reason: waiting.Reason, Object: v.name(c), Evidence: firstLine(waiting.Message),
					NextMove: "create what is named, in namespace " + v.pod.Namespace + ", or correct its name in the chart's values"}, false
			}
		}
	}
	if problem, withLog := v.checkCrash(c); problem != nil {
		return problem, withLog
	}
	return v.checkReadiness(c), true
}

func (v podView) checkCrash(c container) (*Problem, bool) {
	if v.killedBy("startup", c) {
		return v.startupProblem(c), true
	}
	last := lastTermination(c.status)
	if last == nil || c.init && last.ExitCode == 0 || last.FinishedAt.Time.Before(v.since) || v.Now.Sub(last.FinishedAt.Time) > crashWindow {
		return nil, false
	}
	looping := c.status.State.Waiting != nil && c.status.State.Waiting.Reason == ReasonCrash
	if last.Reason != reasonMemory && !looping && c.status.RestartCount < crashTries {
		return nil, false
	}
	killed := v.killedBy("liveness", c)
	if !killed && v.Now.Sub(last.FinishedAt.Time) < explained(c, last) {
		return nil, false
	}
	problem := &Problem{Reason: ReasonCrash, Object: v.name(c),
		Evidence: joinLines(fmt.Sprintf("it ended with code %d (%s), %s", last.ExitCode, last.Reason, restarts(c.status.RestartCount)),
			firstLine(last.Message), v.events.evidence()),
		NextMove: fmt.Sprintf("the program ends by itself: correct what its log says (all of it, while the pod is there: %s)", v.logCommand(c))}
	switch {
	case last.Reason == reasonMemory:
		problem.Reason = reasonMemory
		problem.NextMove = fmt.Sprintf("raise %s%s, or lower the Java heap (%s)", v.fields.value("resources.limits.memory"), limitOf(c), v.fields.value("resources.jvm"))
	case killed:
		problem.Reason = ReasonLiveness
		problem.NextMove = fmt.Sprintf("the program stopped answering: its log says why (all of it, while the pod is there: %s); if it is merely slow, raise %s%s", v.logCommand(c),
			v.fields.value("livenessProbe.failureThreshold"), thresholdOf(c.spec.LivenessProbe))
	}
	return problem, true
}

// explained is how long the event that says who ended a container may take to come.
func explained(c container, last *corev1.ContainerStateTerminated) time.Duration {
	const sigkill, sigterm = 128 + 9, 128 + 15
	probed := c.spec.LivenessProbe != nil || c.spec.StartupProbe != nil
	if probed && last.Reason != reasonMemory && (last.ExitCode == sigkill || last.ExitCode == sigterm) {
		return killGrace
	}
	return eventGrace
}

const reasonMemory = "OOMKilled"

func restarts(n int32) string {
	if n == 1 {
		return "1 restart"
	}
	return fmt.Sprintf("%d restarts", n)
}

func limitOf(c container) string {
	if limit := c.spec.Resources.Limits.Memory(); !limit.IsZero() {
		return ", which is " + limit.String() + " now"
	}
	return ""
}

func lastTermination(status *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	if status.State.Terminated != nil {
		return status.State.Terminated
	}
	return status.LastTerminationState.Terminated
}

func (v podView) logCommand(c container) string {
	return fmt.Sprintf("kubectl -n %s logs %s -c %s --previous", v.pod.Namespace, v.pod.Name, c.spec.Name)
}

func (v podView) name(c container) string {
	return fmt.Sprintf("container %s of %s", c.spec.Name, podName(v.pod))
}
