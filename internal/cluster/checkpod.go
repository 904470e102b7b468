package cluster

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// checkPods looks at each living pod of the newest revision.
func checkPods(r rollout, pods podSet) (*Problem, logRef) {
	for _, pod := range pods.current {
		if isReady(pod) {
			continue
		}
		view := viewOf(r.events, pod, r.watched)
		view.knobs, view.node, view.passed = r.knobs, r.nodes[pod.Spec.NodeName], r.passed
		if problem, at := checkPod(view, pods.ending() > 0); problem != nil {
			return problem, at
		}
	}
	return nil, logRef{}
}

// podView is one pod and what happened to it.
type podView struct {
	watched
	pod    *corev1.Pod
	events events
	all    events    // of the namespace
	since  time.Time // what was before does not count; zero: all counts
	knobs  knobs
	node   *corev1.Node         // the pod's; nil: not known
	passed map[string]time.Time // when a container was first seen to have passed its startup probe, see [runOf]
}

// viewOf leaves out the past of a pod that is older than the wait: what it lacked may have been put right just now, and
// it will try again.
func viewOf(all events, pod *corev1.Pod, w watched) podView {
	view := podView{watched: w, pod: pod, all: all, events: all.of(pod.UID)}
	if w.started.Sub(pod.CreationTimestamp.Time) > oldPod {
		view.since = w.started
		view.events = view.events.since(w.started)
	}
	return view
}

// checkPod judges one pod that is not ready. crowded: other pods are about to free their place. An old pod that is not ending
// is not: in a rolling update without maxUnavailable it keeps its place until the new one is ready.
func checkPod(v podView, crowded bool) (*Problem, logRef) {
	for _, problem := range []*Problem{v.checkScheduling(crowded), v.checkNode(), v.checkMounts()} {
		if problem != nil {
			return problem, logRef{}
		}
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

func (v podView) checkScheduling(crowded bool) *Problem {
	condition := podCondition(v.pod, corev1.PodScheduled)
	if condition != nil && condition.Status == corev1.ConditionTrue {
		return nil
	}
	if problem := v.checkVolumes(condition); problem != nil || condition == nil || isAboutVolumes(condition.Message) {
		return problem
	}
	if condition.Reason != corev1.PodReasonUnschedulable || crowded || !v.lasts(condition.LastTransitionTime.Time, v.schedulingGrace(condition.Message)) {
		return nil
	}
	message := clip(firstLine(condition.Message))
	evidence := message
	if refused := v.events.last(scaleUps...); refused != nil && refused.Reason == noScaleUp {
		evidence = joinLines(message, "event "+noScaleUp+": "+clip(firstLine(refused.Message)))
	}
	return &Problem{Reason: corev1.PodReasonUnschedulable, Object: podName(v.pod), Evidence: evidence, NextMove: schedulingMove(message, v.knobs)}
}

// What cluster-autoscaler and Karpenter say of a pod without a node.
const noScaleUp = "NotTriggerScaleUp"

var scaleUps = []string{"TriggeredScaleUp", "Nominated", noScaleUp}

func (v podView) schedulingGrace(message string) time.Duration {
	if last := v.events.last(scaleUps...); last != nil && last.Reason != noScaleUp {
		return autoscaleGrace
	}
	if isLostNode(message) {
		return nodeGrace
	}
	return schedulingGrace
}

func schedulingMove(message string, k knobs) string {
	switch {
	case isLostNode(message):
		return "a node is not ready: kubectl get nodes, and kubectl describe node says why"
	case strings.Contains(message, "Insufficient"):
		return "add a node, or lower " + k.value("resources.requests")
	case strings.Contains(message, "taint"):
		return "add a node without that taint, or a toleration in the chart's values"
	}
	return "label or add a node that fits, or correct node selector and affinity in the chart's values (as " + k.value("nodeSelector") + ")"
}

// isLostNode reads the taints that the node controller puts on a node that does not answer.
func isLostNode(message string) bool {
	return strings.Contains(message, corev1.TaintNodeNotReady) || strings.Contains(message, corev1.TaintNodeUnreachable)
}

// checkNode finds a pod whose node is gone: whatever the pod's status says is from before.
func (v podView) checkNode() *Problem {
	if v.node == nil {
		return nil
	}
	for _, condition := range v.node.Status.Conditions {
		if condition.Type != corev1.NodeReady || condition.Status == corev1.ConditionTrue || !v.lasts(condition.LastTransitionTime.Time, nodeGrace) {
			continue
		}
		return &Problem{Reason: "NodeNotReady", Object: podName(v.pod),
			Evidence: fmt.Sprintf("its node %s is not ready: %s: %s", v.node.Name, condition.Reason, clip(firstLine(condition.Message))),
			NextMove: "bring the node back (kubectl describe node " + v.node.Name + "), or drain it and let the pod go to another one"}
	}
	return nil
}

// checkMounts finds a volume whose Secret or ConfigMap is not there: the kubelet waits for it for ever.
func (v podView) checkMounts() *Problem {
	if v.pod.Status.Phase != corev1.PodPending {
		return nil
	}
	event := v.events.last("FailedMount")
	if event == nil || !v.lasts(firstSeen(event), mountGrace) {
		return nil
	}
	if !strings.Contains(event.Message, "not found") && !strings.Contains(event.Message, "non-existent") {
		return nil
	}
	return &Problem{Reason: "FailedMount", Object: podName(v.pod), Evidence: clip(firstLine(event.Message)),
		NextMove: "make what is named in namespace " + v.pod.Namespace + ", or correct its name in the chart's values; what Lockstep makes itself comes back with `lockstep deploy`"}
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
