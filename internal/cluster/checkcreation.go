package cluster

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// checkRejected finds pods that a node refused or evicted: their ReplicaSet makes new ones without back-off, so
// waiting only makes more of them.
func checkRejected(r rollout, pods podSet) (*Problem, logRef) {
	var recent []*corev1.Pod
	for _, pod := range pods.rejected {
		if r.now.Sub(pod.CreationTimestamp.Time) < rejectedWindow {
			recent = append(recent, pod)
		}
	}
	if len(recent) < rejectedMost {
		return nil, logRef{}
	}
	last := recent[len(recent)-1]
	reason := last.Status.Reason
	if reason == "" {
		reason = "PodFailed"
	}
	return &Problem{Reason: reason, Object: podName(last), NextMove: rejectedMove(reason, r.knobs),
		Evidence: joinLines(fmt.Sprintf("%d pods were rejected one after the other: %s", len(recent), clip(firstLine(last.Status.Message))),
			r.events.of(last.UID).evidence()),
	}, logRef{}
}

func rejectedMove(reason string, k knobs) string {
	switch {
	case reason == "AppArmor":
		return "the node has no AppArmor: set " + k.value("apparmor.enabled") + " to false"
	case strings.HasPrefix(reason, "OutOf"):
		return "lower " + k.value("resources.requests") + ", or add a node"
	case reason == "Evicted":
		return "free disk or memory on the node, or add a node"
	}
	return "correct what the node names, in the chart's values or on the node"
}

// checkCreation finds a ReplicaSet whose pods the API server refuses. What a quota lacks may come back with the old pods.
func checkCreation(r rollout, pods podSet) (*Problem, logRef) {
	if len(pods.current) >= int(r.desired()) {
		return nil, logRef{}
	}
	object, message, since, found := r.replicaFailure()
	if !found || !r.lasts(since, creationGrace) || pods.ending() > 0 && isQuota(message) {
		return nil, logRef{}
	}
	return &Problem{Reason: "FailedCreate", Object: object, Evidence: clip(firstLine(message)),
		NextMove: refusedMove(message, r.deployment.Namespace, r.knobs)}, logRef{}
}

func (r rollout) replicaFailure() (object, message string, since time.Time, found bool) {
	if rs := r.newestReplicaSet(); rs != nil {
		for _, condition := range rs.Status.Conditions {
			if condition.Type == appsv1.ReplicaSetReplicaFailure && condition.Status == corev1.ConditionTrue {
				return "ReplicaSet " + rs.Namespace + "/" + rs.Name, condition.Message, condition.LastTransitionTime.Time, true
			}
		}
	}
	return "", "", time.Time{}, false
}

func refusedMove(message, namespace string, k knobs) string {
	switch {
	case isQuota(message):
		return "raise the ResourceQuota (kubectl -n " + namespace + " describe resourcequota), or lower " + k.value("resources")
	case isLimitRange(message):
		return "the namespace's LimitRange allows no such container (kubectl -n " + namespace + " describe limitrange): change it, or make " + k.value("resources") + " fit"
	case strings.Contains(message, "PodSecurity"):
		return "the namespace's Pod Security level refuses these pods: relax its label pod-security.kubernetes.io/enforce, or set " +
			k.value("securityContext") + " so that they fit"
	case isPolicy(message):
		return "a policy of this cluster refuses these pods: correct what it names, or ask its owner for an exception"
	case strings.Contains(message, "serviceaccount"):
		return "make the ServiceAccount that is named, or name another one in the chart's values"
	}
	return "correct what the API server names, in the chart's values"
}
