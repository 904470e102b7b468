package diagnosis

import (
	"fmt"
	"math"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// killedBy says whether the kubelet lately ended the container because of a probe ("Container x failed startup probe,
// will be restarted").
func (v podView) killedBy(probe string, c container) bool {
	killed := v.events.last("Killing")
	return killed != nil && strings.Contains(killed.Message, c.spec.Name+" failed "+probe+" probe") && v.Now.Sub(lastSeen(killed)) < crashWindow
}

func (v podView) startupProblem(c container) *Problem {
	problem := &Problem{Reason: ReasonStartupProbe, Object: v.name(c), Evidence: v.events.evidence(), NextMove: v.fields.startupMove(c.spec.StartupProbe)}
	if c.spec.StartupProbe != nil {
		problem.Evidence = joinLines(fmt.Sprintf("it did not pass its startup probe within %d s and was killed", budget(c.spec.StartupProbe)), problem.Evidence)
	}
	return problem
}

// startupMove says which value gives a container more time to start, and how much it has now.
func (f Fields) startupMove(probe *corev1.Probe) string {
	const slow = "if its log shows a start that is merely slow, raise "
	if probe == nil {
		return slow + f.value("startupProbe.failureThreshold")
	}
	if f.Limit != "" && probe.PeriodSeconds > 0 && probe.FailureThreshold == int32(math.Ceil(f.Time.Seconds()/float64(probe.PeriodSeconds))) {
		return fmt.Sprintf("%s%s, which is %s now and from which startupProbe.failureThreshold follows", slow, f.Limit, f.Time)
	}
	return fmt.Sprintf("%s%s: it is %d now, which with periodSeconds %d and initialDelaySeconds %d makes a budget of %d s", slow,
		f.value("startupProbe.failureThreshold"), probe.FailureThreshold, probe.PeriodSeconds, probe.InitialDelaySeconds, budget(probe))
}

// budget is how many seconds a container has to pass a startup probe.
func budget(probe *corev1.Probe) int32 {
	return probe.InitialDelaySeconds + probe.PeriodSeconds*probe.FailureThreshold
}

// checkReadiness finds a container that has started and never answers its readiness probe. When it started is what the
// wait saw itself: a kubelet that tells much of a pod is throttled, so its events may be minutes behind.
func (v podView) checkReadiness(c container) *Problem {
	since, passed := v.passed[runOf(v.pod, c.status)]
	if !passed || !v.isUnready(c) || v.Now.Sub(since) < v.Pace.of(readinessGrace) {
		return nil
	}
	return v.readinessProblem(c)
}

// isUnready is true of a container that has passed its startup probe and not its readiness probe.
func (v podView) isUnready(c container) bool {
	return !c.init && c.spec.ReadinessProbe != nil && c.status.State.Running != nil && !c.status.Ready && hasStarted(c.status)
}

func (v podView) readinessProblem(c container) *Problem {
	evidence := "it has started and runs, but never passed its readiness probe" + probeTarget(c.spec.ReadinessProbe)
	if failed := v.events.lastOf("Unhealthy", "Readiness probe failed"); failed != nil {
		evidence = joinLines(evidence, fmt.Sprintf("event Unhealthy: %s", firstLine(failed.Message)))
	}
	return &Problem{Reason: ReasonReadiness, Object: v.name(c), Evidence: evidence,
		NextMove: fmt.Sprintf("its log says what is missing, for example a database or a port (all of it, while the pod is there: kubectl -n %s logs %s -c %s)", v.pod.Namespace, v.pod.Name, c.spec.Name)}
}

func probeTarget(probe *corev1.Probe) string {
	switch {
	case probe.HTTPGet != nil:
		return fmt.Sprintf(" (%s on port %s)", probe.HTTPGet.Path, probe.HTTPGet.Port.String())
	case probe.TCPSocket != nil:
		return fmt.Sprintf(" (port %s)", probe.TCPSocket.Port.String())
	}
	return ""
}

func thresholdOf(probe *corev1.Probe) string {
	if probe == nil {
		return ""
	}
	return fmt.Sprintf(", which is %d now, every %d s", probe.FailureThreshold, probe.PeriodSeconds)
}

func hasStarted(status *corev1.ContainerStatus) bool { return status.Started != nil && *status.Started }

// runOf names one run of a container.
func runOf(pod *corev1.Pod, status *corev1.ContainerStatus) string {
	return fmt.Sprintf("%s/%s/%d", pod.UID, status.Name, status.RestartCount)
}

// MarkPassed remembers when each running container that has a startup probe was first seen to have passed it.
func MarkPassed(passed map[string]time.Time, pods []*corev1.Pod, now time.Time) {
	for _, pod := range pods {
		for _, c := range containersOf(pod) {
			if c.init || c.spec.StartupProbe == nil || c.status == nil || !hasStarted(c.status) {
				continue
			}
			if run := runOf(pod, c.status); passed[run].IsZero() {
				passed[run] = now
			}
		}
	}
}
