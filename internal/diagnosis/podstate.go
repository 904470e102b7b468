package diagnosis

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// podState says what a pod that is not ready does now, and which of its containers that is about.
func (r Rollout) podState(pod *corev1.Pod) (state, container string) {
	if condition := podCondition(pod, corev1.PodScheduled); condition == nil || condition.Status != corev1.ConditionTrue {
		if condition != nil && condition.Message != "" {
			return "waiting for a node: " + firstLine(condition.Message), ""
		}
		return "waiting for a node", ""
	}
	for _, c := range containersOf(pod) {
		if state := r.containerState(pod, c); state != "" {
			return state, c.spec.Name
		}
	}
	return "waiting for the pod's readiness", ""
}

// containerState is empty for a container that does what it should.
func (r Rollout) containerState(pod *corev1.Pod, c container) string {
	name := c.spec.Name
	switch {
	case c.status == nil:
		return "" // not begun: the one before it says more
	case c.status.State.Waiting != nil:
		waiting := c.status.State.Waiting
		if waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing" {
			if pull := r.Events.of(pod.UID).last("Pulling", "Pulled"); pull != nil && pull.Reason == "Pulling" {
				return name + " is being pulled: " + c.spec.Image
			}
			if mount := r.Events.of(pod.UID).last("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "Pulled"); mount != nil && mount.Reason != "Pulled" {
				return name + " is being made: " + firstLine(mount.Message)
			}
			if c.init || waiting.Reason == "ContainerCreating" {
				return name + " is being made"
			}
			return ""
		}
		return name + " waits: " + waiting.Reason
	case c.status.State.Terminated != nil:
		if c.init && c.status.State.Terminated.ExitCode == 0 {
			return ""
		}
		return fmt.Sprintf("%s ended with code %d", name, c.status.State.Terminated.ExitCode)
	case c.status.State.Running != nil && !c.status.Ready && !(c.init && c.spec.RestartPolicy == nil):
		return name + " runs, " + r.probeState(pod, c)
	case c.init && c.status.State.Running != nil && c.spec.RestartPolicy == nil:
		return name + " (init container) runs"
	}
	return ""
}

func (r Rollout) probeState(pod *corev1.Pod, c container) string {
	if probe := c.spec.StartupProbe; probe != nil && (c.status.Started == nil || !*c.status.Started) {
		failures := r.Events.of(pod.UID).count("Unhealthy", "Startup probe failed", c.status.State.Running.StartedAt.Time)
		return fmt.Sprintf("startup probe %d/%d", failures, probe.FailureThreshold)
	}
	if c.spec.ReadinessProbe == nil {
		return "not ready"
	}
	failures := r.Events.of(pod.UID).count("Unhealthy", "Readiness probe failed", c.status.State.Running.StartedAt.Time)
	return fmt.Sprintf("started, readiness probe not passed (%d failures)", failures)
}

// container is one container's specification and status.
type container struct {
	init   bool
	spec   corev1.Container
	status *corev1.ContainerStatus // nil: nothing known yet
}

// containersOf gives the containers of a pod in the order they start.
func containersOf(pod *corev1.Pod) []container {
	var all []container
	for _, spec := range pod.Spec.InitContainers {
		all = append(all, container{true, spec, statusOf(pod.Status.InitContainerStatuses, spec.Name)})
	}
	for _, spec := range pod.Spec.Containers {
		all = append(all, container{false, spec, statusOf(pod.Status.ContainerStatuses, spec.Name)})
	}
	return all
}

func statusOf(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}

func podCondition(pod *corev1.Pod, typ corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == typ {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// IsReady says whether a pod is ready.
func IsReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
