package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

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
	evidence := firstLine(condition.Message)
	if refused := v.events.last(scaleUps...); refused != nil && refused.Reason == noScaleUp {
		evidence = joinLines(evidence, "event "+noScaleUp+": "+firstLine(refused.Message))
	}
	lost := v.lostNodes(condition.Message)
	for _, node := range lost {
		evidence = joinLines(evidence, describeNode(node))
	}
	return &Problem{Reason: corev1.PodReasonUnschedulable, Object: podName(v.pod), Evidence: evidence, NextMove: schedulingMove(condition.Message, lost, v.fields)}
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
func schedulingMove(message string, lost []*corev1.Node, f Fields) string {
	var moves []string
	if len(lost) > 0 {
		moves = append(moves, "bring back the node that is not ready (kubectl describe node "+lost[0].Name+")")
	} else if strings.Contains(message, "taint") {
		moves = append(moves, "give the pods a toleration for the nodes' taint in the chart's values")
	}
	if strings.Contains(message, "Insufficient") {
		moves = append(moves, "lower "+f.value("resources.requests"))
	}
	if strings.Contains(message, "affinity/selector") || strings.Contains(message, "node selector") || len(moves) == 0 {
		moves = append(moves, "label a node as the pods ask for, or correct "+f.value("nodeSelector"))
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

func isTainted(pod *corev1.Pod) bool {
	scheduled := podCondition(pod, corev1.PodScheduled)
	return scheduled != nil && scheduled.Status == corev1.ConditionFalse && strings.Contains(scheduled.Message, "taint")
}

// notReady is the condition of a node that is not ready; nil if it is, or has not said so yet.
func notReady(node *corev1.Node) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if condition := &node.Status.Conditions[i]; condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionTrue {
			return condition
		}
	}
	return nil
}

func describeNode(node *corev1.Node) string {
	condition := notReady(node)
	return fmt.Sprintf("node %s is not ready: %s: %s", node.Name, condition.Reason, firstLine(condition.Message))
}

// NodesOf names the nodes that say more of the pods that are not ready, and says whether all other nodes do too: the scheduler tells of a
// taint, and not which one, nor of which node.
func NodesOf(pods []*corev1.Pod) (names []string, all bool) {
	for _, pod := range pods {
		switch name := pod.Spec.NodeName; {
		case IsReady(pod) || slices.Contains(names, name):
		case name != "":
			names = append(names, name)
		case isTainted(pod):
			all = true
		}
	}
	return names, all
}
