package readiness

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/diagnosis"
)

// nodeLooker reads the nodes of pods that are not ready. They are evidence only: what the worker may not read is left out.
type nodeLooker struct {
	kube  kubernetes.Interface
	last  map[string]*corev1.Node
	asked time.Time
}

// nodeEvery is how often nodes are read while pods are not ready.
const nodeEvery = 5 * time.Second

func (l *nodeLooker) look(ctx context.Context, pods []*corev1.Pod, now time.Time) map[string]*corev1.Node {
	if now.Sub(l.asked) < nodeEvery {
		return l.last
	}
	l.last = map[string]*corev1.Node{}
	names, all := diagnosis.NodesOf(pods)
	if all || len(names) > 0 {
		l.asked = now
	}
	for _, name := range names { // also beside the list: it may be refused, or not hold them
		if node, err := l.kube.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); err == nil {
			l.last[name] = node
		}
	}
	if all {
		l.readAll(ctx)
	}
	return l.last
}

func (l *nodeLooker) readAll(ctx context.Context) {
	const most = 500
	list, err := l.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return
	}
	for i := range list.Items {
		l.last[list.Items[i].Name] = &list.Items[i]
	}
}
