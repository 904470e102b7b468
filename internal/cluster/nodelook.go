package cluster

import (
	"context"
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
	l.asked, l.last = now, map[string]*corev1.Node{}
	for _, pod := range pods {
		name := pod.Spec.NodeName
		if _, known := l.last[name]; known || name == "" || isReady(pod) {
			continue
		}
		node, err := l.client.kube.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			l.last[name] = node
		}
	}
	return l.last
}
