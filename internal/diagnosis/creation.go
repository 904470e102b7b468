package diagnosis

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"lockstep/internal/admission"
)

// checkRejected finds pods that a node refused or evicted: their ReplicaSet makes new ones without back-off, so
// waiting only makes more of them.
func checkRejected(r Rollout, pods podSet) (*Problem, Log) {
	var recent []*corev1.Pod
	for _, pod := range pods.rejected {
		if r.Now.Sub(pod.CreationTimestamp.Time) < rejectedWindow {
			recent = append(recent, pod)
		}
	}
	if len(recent) < rejectedMost {
		return nil, Log{}
	}
	last := recent[len(recent)-1]
	reason := last.Status.Reason
	if reason == "" {
		reason = "PodFailed"
	}
	return &Problem{Reason: reason, Object: podName(last), NextMove: rejectedMove(reason, r.Fields),
		Evidence: joinLines(fmt.Sprintf("%d pods were rejected one after the other: %s", len(recent), firstLine(last.Status.Message)),
			r.Events.of(last.UID).evidence()),
	}, Log{}
}

func rejectedMove(reason string, f Fields) string {
	switch {
	case reason == "AppArmor":
		return "the node has no AppArmor: set " + f.value("apparmor.enabled") + " to false"
	case strings.HasPrefix(reason, "OutOf"):
		return "lower " + f.value("resources.requests") + ", or add a node"
	case reason == "Evicted":
		return "free disk or memory on the node, or add a node"
	}
	return "correct what the node names, in the chart's values or on the node"
}

// checkCreation finds a ReplicaSet whose pods the API server refuses. What a quota lacks may come back with the old pods.
func checkCreation(r Rollout, pods podSet) (*Problem, Log) {
	if len(pods.current) >= int(r.desired()) {
		return nil, Log{}
	}
	object, message, since, found := r.replicaFailure()
	if !found || !r.lasts(since, creationGrace) || pods.ending() > 0 && admission.IsQuota(message) {
		return nil, Log{}
	}
	return &Problem{Reason: "FailedCreate", Object: object, Evidence: firstLine(message),
		NextMove: refusedMove(message, r.Deployment.Namespace, r.Fields)}, Log{}
}

func (r Rollout) replicaFailure() (object, message string, since time.Time, found bool) {
	if rs := r.newestReplicaSet(); rs != nil {
		for _, condition := range rs.Status.Conditions {
			if condition.Type == appsv1.ReplicaSetReplicaFailure && condition.Status == corev1.ConditionTrue {
				return "ReplicaSet " + rs.Namespace + "/" + rs.Name, condition.Message, condition.LastTransitionTime.Time, true
			}
		}
	}
	return "", "", time.Time{}, false
}

func refusedMove(message, namespace string, f Fields) string {
	switch {
	case admission.IsQuota(message):
		return "raise the ResourceQuota (kubectl -n " + namespace + " describe resourcequota), or lower " + f.value("resources")
	case admission.IsLimitRange(message):
		return "the namespace's LimitRange allows no such container (kubectl -n " + namespace + " describe limitrange): change it, or make " + f.value("resources") + " fit"
	case admission.IsPodSecurity(message):
		return "the namespace's Pod Security level refuses these pods: relax its label pod-security.kubernetes.io/enforce, or set " +
			f.value("securityContext") + " so that they fit"
	case admission.IsPolicy(message):
		return "a policy of this cluster refuses these pods: correct what it names, or ask its owner for an exception"
	case strings.Contains(message, "serviceaccount"):
		return "create the ServiceAccount that is named, or name another one in the chart's values"
	}
	return "correct what the API server names, in the chart's values"
}
