package diagnosis

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// checkVolumes judges the claims of a pod that no node takes because of them. A claim that waits for its first consumer
// waits for this pod and is no problem, nor is one whose provisioner is at work: it counts when nobody provisions for it,
// or when that fails for long.
func (v podView) checkVolumes(scheduled *corev1.PodCondition) *Problem {
	message := ""
	if scheduled != nil {
		message = scheduled.Message
	}
	if v.pod.Spec.NodeName != "" || message != "" && !isAboutVolumes(message) {
		return nil
	}
	for _, claim := range claimsOf(v.pod) {
		own := v.all.about("PersistentVolumeClaim", claim)
		failed := own.last("ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ProvisioningSucceeded")
		if failed == nil || failed.Reason == "ProvisioningSucceeded" || lastSeen(failed).Before(v.pod.CreationTimestamp.Time) {
			continue
		}
		grace := provisioningGrace
		if failed.Reason != "ProvisioningFailed" || strings.Contains(failed.Message, "storageclass") {
			grace = bindingGrace
		}
		if v.lasts(firstSeen(failed), grace) {
			return v.volumeProblem(claim, fmt.Sprintf("event %s: %s", failed.Reason, firstLine(failed.Message)))
		}
	}
	return v.checkUnbound(scheduled)
}

// checkUnbound is for claims about which nobody has said anything.
func (v podView) checkUnbound(scheduled *corev1.PodCondition) *Problem {
	if scheduled == nil || scheduled.Status != corev1.ConditionFalse || !isAboutVolumes(scheduled.Message) {
		return nil
	}
	grace := schedulingGrace
	if strings.Contains(scheduled.Message, "unbound immediate") {
		grace = provisioningGrace
	}
	if !v.lasts(scheduled.LastTransitionTime.Time, grace) {
		return nil
	}
	return v.volumeProblem(strings.Join(claimsOf(v.pod), ", "), "")
}

func (v podView) volumeProblem(claim, evidence string) *Problem {
	scheduled := ""
	if condition := podCondition(v.pod, corev1.PodScheduled); condition != nil {
		scheduled = firstLine(condition.Message)
	}
	next := "kubectl -n " + v.pod.Namespace + " describe pvc " + claim + " says what its provisioner lacks"
	switch {
	case strings.Contains(evidence, "no storage class is set"):
		next = "this cluster has no default StorageClass: name one in the chart's values (kubectl get storageclass), or make one the default"
	case strings.Contains(evidence, "storageclass"):
		next = "name a StorageClass that exists in the chart's values (kubectl get storageclass), or create the one that is named"
	case strings.Contains(scheduled, "persistentvolumeclaim \""):
		next = "create the claim that is named, or name one that exists in the chart's values (kubectl -n " + v.pod.Namespace + " get pvc)"
	}
	return &Problem{Reason: "UnboundVolume", Object: podName(v.pod), NextMove: next,
		Evidence: joinLines("PersistentVolumeClaim "+v.pod.Namespace+"/"+claim+" has no volume", evidence, scheduled)}
}

func claimsOf(pod *corev1.Pod) (names []string) {
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			names = append(names, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}

// isAboutVolumes reads the scheduler: "pod has unbound immediate PersistentVolumeClaims", "persistentvolumeclaim "x" not
// found", "node(s) didn't find available persistent volumes to bind", "node(s) had volume node affinity conflict".
func isAboutVolumes(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "persistentvolumeclaim") || strings.Contains(message, "persistent volume")
}
