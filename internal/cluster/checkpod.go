package cluster

import (
	"maps"
	"slices"
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
		view.knobs, view.nodes, view.passed = r.knobs, r.nodes, r.passed
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
	nodes  map[string]*corev1.Node
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
	evidence := clip(firstLine(condition.Message))
	if refused := v.events.last(scaleUps...); refused != nil && refused.Reason == noScaleUp {
		evidence = joinLines(evidence, "event "+noScaleUp+": "+clip(firstLine(refused.Message)))
	}
	lost := v.lostNodes(condition.Message)
	for _, node := range lost {
		evidence = joinLines(evidence, describeNode(node))
	}
	return &Problem{Reason: corev1.PodReasonUnschedulable, Object: podName(v.pod), Evidence: evidence, NextMove: schedulingMove(condition.Message, lost, v.knobs)}
}

// What cluster-autoscaler and Karpenter say of a pod without a node.
const noScaleUp = "NotTriggerScaleUp"

var scaleUps = []string{"TriggeredScaleUp", "Nominated", noScaleUp}

func (v podView) schedulingGrace(message string) time.Duration {
	if last := v.events.last(scaleUps...); last != nil && last.Reason != noScaleUp {
		return autoscaleGrace
	}
	if len(v.lostNodes(message)) > 0 {
		return nodeGrace
	}
	return schedulingGrace
}

// lostNodes are nodes that are not ready, if a taint is among what keeps the pod from its place: the node controller
// puts one on each of them.
func (v podView) lostNodes(message string) []*corev1.Node {
	const most = 3
	var lost []*corev1.Node
	for _, name := range slices.Sorted(maps.Keys(v.nodes)) {
		if len(lost) < most && strings.Contains(message, "taint") && notReady(v.nodes[name]) != nil {
			lost = append(lost, v.nodes[name])
		}
	}
	return lost
}

// schedulingMove has a move for each thing that the scheduler names: nodes differ in what keeps the pod from them.
func schedulingMove(message string, lost []*corev1.Node, k knobs) string {
	var moves []string
	if len(lost) > 0 {
		moves = append(moves, "bring back the node that is not ready (kubectl describe node "+lost[0].Name+")")
	} else if strings.Contains(message, "taint") {
		moves = append(moves, "give the pods a toleration for the nodes' taint in the chart's values")
	}
	if strings.Contains(message, "Insufficient") {
		moves = append(moves, "lower "+k.value("resources.requests"))
	}
	if strings.Contains(message, "affinity/selector") || strings.Contains(message, "node selector") || len(moves) == 0 {
		moves = append(moves, "label a node as the pods ask for, or correct "+k.value("nodeSelector"))
	}
	return strings.Join(append(moves, "add a node that fits"), ", or ")
}

// checkNode finds a pod whose node is gone: whatever the pod's status says is from before.
func (v podView) checkNode() *Problem {
	node := v.nodes[v.pod.Spec.NodeName]
	if node == nil || notReady(node) == nil || !v.lasts(notReady(node).LastTransitionTime.Time, nodeGrace) {
		return nil
	}
	return &Problem{Reason: "NodeNotReady", Object: podName(v.pod), Evidence: describeNode(node),
		NextMove: "bring the node back (kubectl describe node " + node.Name + "), or drain it and let the pod go to another one"}
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
