package hook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// patience is how long a hook's pod may wait for what may still come: room on a node, a Secret made by a controller.
const patience = 30 * time.Second

// describe says in a few words what the pods of a Job do.
func describe(pods []corev1.Pod) string {
	if len(pods) == 0 {
		return "no pod yet"
	}
	texts := make([]string, len(pods))
	for i, pod := range pods {
		texts[i] = "pod " + pod.Name + " " + state(pod)
	}
	return strings.Join(texts, ", ")
}

// stuck says why one of the pods will never run, or nil.
func stuck(pods []corev1.Pod, waited time.Duration) error {
	for _, pod := range pods {
		for _, status := range statuses(pod) {
			if waiting := status.State.Waiting; waiting != nil && fatal(waiting.Reason, waited) {
				return errors.New(strings.TrimSuffix(fmt.Sprintf("pod %s: container %s: %s: %s",
					pod.Name, status.Name, waiting.Reason, oneLine(waiting.Message)), ": "))
			}
		}
		if why := unscheduled(pod); why != "" && waited > patience {
			return fmt.Errorf("pod %s: Unschedulable: %s", pod.Name, why)
		}
	}
	return nil
}

func fatal(reason string, waited time.Duration) bool {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CrashLoopBackOff":
		return true
	case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return waited > patience
	}
	return false
}

func state(pod corev1.Pod) string {
	for _, status := range statuses(pod) {
		if status.State.Waiting != nil && status.State.Waiting.Reason != "" {
			return status.State.Waiting.Reason
		}
	}
	if unscheduled(pod) != "" {
		return "Unschedulable"
	}
	return string(pod.Status.Phase)
}

func statuses(pod corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
}

func unscheduled(pod corev1.Pod) string {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return oneLine(condition.Message)
		}
	}
	return ""
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
