package cluster

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// checkContainer judges one container that is not ready; withLog says that its log belongs to the problem.
func (v podView) checkContainer(c container) (_ *Problem, withLog bool) {
	if waiting := c.status.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "InvalidImageName", "ErrImageNeverPull":
			return v.imageProblem(c), false
		case "ErrImagePull", "ImagePullBackOff":
			if v.pullIsHopeless(waiting) {
				return v.imageProblem(c), false
			}
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			if started := v.pod.Status.StartTime; started != nil && v.lasts(started.Time, mountGrace) {
				return &Problem{Reason: waiting.Reason, Object: v.name(c), Evidence: clip(firstLine(waiting.Message)),
					NextMove: "create what is named in namespace " + v.pod.Namespace + ", or correct it in the chart's values"}, false
			}
		}
	}
	return v.checkCrash(c)
}

// pullIsHopeless tells a name that is wrong or refused from a registry that hiccups: one failed pull for another
// reason may be followed by one that works.
func (v podView) pullIsHopeless(waiting *corev1.ContainerStateWaiting) bool {
	text, failures := waiting.Message, 0
	for _, event := range v.events {
		if event.Reason == "Failed" && strings.Contains(event.Message, "pull") {
			text += "\n" + event.Message
			failures += times(event)
		}
	}
	if failures == 0 && !v.since.IsZero() {
		return false // the failure is from before the wait
	}
	text = strings.ToLower(text)
	for _, sign := range []string{"not found", "unauthorized", "denied", "forbidden", "manifest unknown", "no match for platform"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	for _, sign := range []string{"timeout", "timed out", "connection reset", "eof", "temporary failure", "too many requests", "toomanyrequests", "service unavailable", "bad gateway"} {
		if strings.Contains(text, sign) {
			return failures >= 3
		}
	}
	return waiting.Reason == "ImagePullBackOff"
}

func (v podView) imageProblem(c container) *Problem {
	waiting := c.status.State.Waiting
	evidence := clip(firstLine(waiting.Message))
	if failed := v.events.last("Failed"); failed != nil && strings.Contains(failed.Message, waiting.Message) {
		evidence = "event Failed: " + clip(firstLine(failed.Message))
	} else if failed != nil {
		evidence = joinLines("event Failed: "+clip(firstLine(failed.Message)), evidence)
	}
	next := "check that the image exists under this name and that the nodes can reach its registry"
	text := strings.ToLower(evidence)
	switch {
	case waiting.Reason == "InvalidImageName":
		next = "correct the image name in the environment file"
	case strings.Contains(text, "unauthorized") || strings.Contains(text, "denied") || strings.Contains(text, "forbidden"):
		next = "give the pods credentials for this registry (image.pullSecret), or correct the image name"
	case strings.Contains(text, "server gave http response"):
		next = "the registry speaks plain HTTP: allow that in the nodes' container runtime too, or give it TLS"
	}
	return &Problem{Reason: waiting.Reason, Object: v.name(c), Evidence: joinLines("image "+c.spec.Image, evidence), NextMove: next}
}

// crashWindow: a restart that is older than this has nothing to do with the present wait.
const crashWindow = 10 * time.Minute

func (v podView) checkCrash(c container) (*Problem, bool) {
	if v.killedBy("startup", c) {
		return v.probeProblem(c), true
	}
	last := lastTermination(c.status)
	if last == nil || c.init && last.ExitCode == 0 || last.FinishedAt.Time.Before(v.since) || v.now.Sub(last.FinishedAt.Time) > crashWindow {
		return nil, false
	}
	looping := c.status.State.Waiting != nil && c.status.State.Waiting.Reason == "CrashLoopBackOff"
	if last.Reason != "OOMKilled" && !looping && c.status.RestartCount < 2 {
		return nil, false
	}
	problem := &Problem{Reason: ReasonCrash, Object: v.name(c), NextMove: "read the log above: the program ends by itself",
		Evidence: joinLines(fmt.Sprintf("it ended with code %d (%s), %d restarts", last.ExitCode, last.Reason, c.status.RestartCount),
			clip(firstLine(last.Message)), v.events.evidence())}
	if v.killedBy("liveness", c) {
		problem.Reason = "LivenessProbeFailed"
		problem.NextMove = "the program stopped answering: read the log above, or give it more time (livenessProbe in the chart's values)"
	}
	if last.Reason == "OOMKilled" {
		problem.Reason, problem.NextMove = "OOMKilled", "raise the memory limit in the chart's values, or lower the Java heap"
	}
	return problem, true
}

// killedBy says whether the kubelet lately ended the container because of a probe ("Container x failed startup probe,
// will be restarted").
func (v podView) killedBy(probe string, c container) bool {
	killed := v.events.last("Killing")
	return killed != nil && strings.Contains(killed.Message, c.spec.Name+" failed "+probe+" probe") && v.now.Sub(lastSeen(killed)) < crashWindow
}

func lastTermination(status *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	if status.State.Terminated != nil {
		return status.State.Terminated
	}
	return status.LastTerminationState.Terminated
}

func (v podView) probeProblem(c container) *Problem {
	problem := &Problem{Reason: ReasonStartupProbe, Object: v.name(c), Evidence: v.events.evidence(),
		NextMove: "if the log shows a start that is merely slow, raise startupProbe.failureThreshold in the chart's values"}
	if probe := c.spec.StartupProbe; probe != nil {
		seconds := probe.InitialDelaySeconds + probe.PeriodSeconds*probe.FailureThreshold
		problem.Evidence = joinLines(fmt.Sprintf("it did not pass its startup probe within %d s and was killed", seconds), problem.Evidence)
	}
	return problem
}

func (v podView) name(c container) string {
	return fmt.Sprintf("container %s of %s", c.spec.Name, podName(v.pod))
}
