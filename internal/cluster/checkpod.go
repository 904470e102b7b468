package cluster

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Graces: how long a state that usually passes may last before it counts as a problem.
const (
	mountGrace      = 5 * time.Second  // a Secret or ConfigMap that is made at the same time
	creationGrace   = 5 * time.Second  // a ReplicaSet's pods that are refused
	schedulingGrace = 20 * time.Second // no node now, but one may be freed
	autoscaleGrace  = 5 * time.Minute  // a new node is on its way
	rejectedWindow  = 5 * time.Minute  // rejected pods older than this belong to another story
	oldPod          = 2 * time.Minute  // a pod older than the wait by this much has a past of its own
	rejectedMost    = 3                // that many rejected pods in the window are no accident
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
	return &Problem{Reason: reason, Object: podName(last), NextMove: rejectedMove(reason),
		Evidence: joinLines(fmt.Sprintf("%d pods were rejected one after the other: %s", len(recent), clip(firstLine(last.Status.Message))),
			r.events.of(last.UID).evidence()),
	}, logRef{}
}

func rejectedMove(reason string) string {
	switch {
	case reason == "AppArmor":
		return "the node has no AppArmor: set deployment.apparmor.enabled to false in the chart's values"
	case strings.HasPrefix(reason, "OutOf"):
		return "lower the resource requests in the chart's values, or add a node"
	case reason == "Evicted":
		return "free disk or memory on the node, or add a node"
	}
	return "correct what the node names, in the chart's values or on the node"
}

// checkCreation finds a ReplicaSet whose pods the API server refuses.
func checkCreation(r rollout, pods podSet) (*Problem, logRef) {
	if len(pods.current) >= int(r.desired()) {
		return nil, logRef{}
	}
	object, message, since, found := r.replicaFailure()
	if since.Before(r.started) {
		since = r.started
	}
	if !found || r.now.Sub(since) < creationGrace {
		return nil, logRef{}
	}
	return &Problem{Reason: "FailedCreate", Object: object, Evidence: clip(firstLine(message)), NextMove: refusedMove(message)}, logRef{}
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

func refusedMove(message string) string {
	switch {
	case strings.Contains(message, "exceeded quota"):
		return "raise the namespace's ResourceQuota, or lower the requests in the chart's values"
	case strings.Contains(message, "PodSecurity"):
		return "the namespace's Pod Security level refuses these pods: relax its pod-security.kubernetes.io/enforce label, or the chart's securityContext"
	case strings.Contains(message, "serviceaccount"):
		return "create the ServiceAccount that is named"
	case strings.Contains(message, "webhook"):
		return "an admission webhook refuses these pods: ask its owner, or correct what it names"
	}
	return "correct what the API server names, in the chart's values"
}

// checkPods looks at each living pod of the newest revision.
func checkPods(r rollout, pods podSet) (*Problem, logRef) {
	for _, pod := range pods.current {
		if isReady(pod) {
			continue
		}
		if problem, at := checkPod(viewOf(r.events, pod, r.now, r.started), pods.ending() > 0); problem != nil {
			return problem, at
		}
	}
	return nil, logRef{}
}

// podView is one pod and what happened to it.
type podView struct {
	pod    *corev1.Pod
	events events
	now    time.Time
	since  time.Time // what was before does not count; zero: all counts
	// started is when the wait began. Graces never begin earlier: the cluster's clock may be behind the worker's.
	started time.Time
}

// viewOf leaves out the past of a pod that is older than the wait: what it lacked may have been put right just now, and
// it will try again.
func viewOf(all events, pod *corev1.Pod, now, started time.Time) podView {
	view := podView{pod: pod, events: all.of(pod.UID), now: now, started: started}
	if started.Sub(pod.CreationTimestamp.Time) > oldPod {
		view.since = started
		view.events = view.events.since(started)
	}
	return view
}

// lasts says whether a state that began at start has lasted for the grace.
func (v podView) lasts(start time.Time, grace time.Duration) bool {
	if start.Before(v.started) {
		start = v.started
	}
	return v.now.Sub(start) >= grace
}

// checkPod judges one pod that is not ready. crowded: other pods are about to free their place. An old pod that is not ending
// is not: in a rolling update without maxUnavailable it keeps its place until the new one is ready.
func checkPod(v podView, crowded bool) (*Problem, logRef) {
	if problem := v.checkScheduling(); problem != nil && !crowded {
		return problem, logRef{}
	}
	if problem := v.checkMounts(); problem != nil {
		return problem, logRef{}
	}
	for _, c := range containersOf(v.pod) {
		if c.status == nil || c.status.Ready && !c.init {
			continue
		}
		if problem, withLog := v.checkContainer(c); problem != nil {
			at := logRef{}
			if withLog {
				at = logRef{v.pod.Namespace, v.pod.Name, c.spec.Name}
			}
			return problem, at
		}
	}
	return nil, logRef{}
}

func (v podView) checkScheduling() *Problem {
	condition := podCondition(v.pod, corev1.PodScheduled)
	if condition == nil || condition.Status != corev1.ConditionFalse || condition.Reason != corev1.PodReasonUnschedulable {
		return nil
	}
	grace := schedulingGrace
	if v.events.last("TriggeredScaleUp", "Nominated") != nil { // cluster-autoscaler, Karpenter
		grace = autoscaleGrace
	}
	if !v.lasts(condition.LastTransitionTime.Time, grace) {
		return nil
	}
	message := clip(firstLine(condition.Message))
	if strings.Contains(strings.ToLower(message), "persistentvolumeclaim") {
		return &Problem{Reason: "UnboundVolume", Object: podName(v.pod), Evidence: joinLines(message, v.events.evidence()),
			NextMove: "look at the claim (kubectl -n " + v.pod.Namespace + " describe pvc): it needs a StorageClass that provisions, or a free volume"}
	}
	return &Problem{Reason: "Unschedulable", Object: podName(v.pod), Evidence: message, NextMove: schedulingMove(message)}
}

func schedulingMove(message string) string {
	switch {
	case strings.Contains(message, "Insufficient"):
		return "add a node, or lower the resource requests in the chart's values"
	case strings.Contains(message, "taint"):
		return "add a node without that taint, or a toleration in the chart's values"
	}
	return "add a node that fits, or correct node selector and affinity in the chart's values"
}

// checkMounts finds a volume whose Secret or ConfigMap is not there: the kubelet waits for it for ever.
func (v podView) checkMounts() *Problem {
	if v.pod.Status.Phase != corev1.PodPending {
		return nil
	}
	event := v.events.last("FailedMount")
	if event == nil || !strings.Contains(event.Message, "not found") || !v.lasts(firstSeen(event), mountGrace) {
		return nil
	}
	return &Problem{Reason: "FailedMount", Object: podName(v.pod), Evidence: clip(firstLine(event.Message)),
		NextMove: "create what is named in namespace " + v.pod.Namespace + ", or correct its name in the chart's values"}
}

func podName(pod *corev1.Pod) string { return "Pod " + pod.Namespace + "/" + pod.Name }

func joinLines(parts ...string) string {
	var full []string
	for _, part := range parts {
		if part != "" {
			full = append(full, part)
		}
	}
	return strings.Join(full, "\n")
}
