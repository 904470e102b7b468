package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeLooker reads the nodes of pods that are not ready. They are evidence only: what the worker may not read is left out.
type nodeLooker struct {
	client *Client
	last   map[string]*corev1.Node
	asked  time.Time
}

// nodeEvery is how often nodes are read while pods are not ready.
const nodeEvery = 5 * time.Second

func (l *nodeLooker) look(ctx context.Context, pods []*corev1.Pod, now time.Time) map[string]*corev1.Node {
	if now.Sub(l.asked) < nodeEvery {
		return l.last
	}
	l.last = map[string]*corev1.Node{}
	for _, pod := range pods {
		name := pod.Spec.NodeName
		switch _, known := l.last[name]; {
		case known || isReady(pod):
		case name != "":
			l.asked = now
			if node, err := l.client.kube.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); err == nil {
				l.last[name] = node
			}
		case isTainted(pod): // the scheduler does not say which taint, nor of which node
			l.asked = now
			l.readAll(ctx)
			return l.last
		}
	}
	return l.last
}

func (l *nodeLooker) readAll(ctx context.Context) {
	const most = 500
	list, err := l.client.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return
	}
	for i := range list.Items {
		l.last[list.Items[i].Name] = &list.Items[i]
	}
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
	return fmt.Sprintf("node %s is not ready: %s: %s", node.Name, condition.Reason, clip(firstLine(condition.Message)))
}
