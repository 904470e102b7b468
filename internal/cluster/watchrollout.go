package cluster

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// rolloutWatch keeps what a Deployment's readiness depends on up to date.
type rolloutWatch struct {
	deployments, replicaSets, pods, events cache.SharedIndexInformer
	nodes                                  nodeLooker
	passed                                 map[string]time.Time
	told                                   string
}

func (c *Client) watchRollout(namespace, name string) *rolloutWatch {
	named := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
	}
	all := func(*metav1.ListOptions) {}
	return &rolloutWatch{
		nodes: nodeLooker{client: c}, passed: map[string]time.Time{},
		deployments: appsinformers.NewFilteredDeploymentInformer(c.kube, namespace, 0, nil, named),
		replicaSets: appsinformers.NewFilteredReplicaSetInformer(c.kube, namespace, 0, nil, all),
		pods:        coreinformers.NewFilteredPodInformer(c.kube, namespace, 0, nil, all),
		events:      coreinformers.NewFilteredEventInformer(c.kube, namespace, 0, nil, all),
	}
}

func (w *rolloutWatch) informers() []cache.SharedIndexInformer {
	return []cache.SharedIndexInformer{w.deployments, w.replicaSets, w.pods, w.events}
}

func (w *rolloutWatch) look(ctx context.Context, at watched, k knobs) rollout {
	r := w.stored()
	r.watched, r.knobs, r.passed, r.nodes = at, k, w.passed, w.nodes.look(ctx, r.pods, at.now)
	markPassed(w.passed, r.pods, at.now)
	return r
}

func (w *rolloutWatch) stored() rollout {
	r := rollout{events: stored[*corev1.Event](w.events)}
	if found := stored[*appsv1.Deployment](w.deployments); len(found) > 0 {
		r.deployment = found[0]
		r.replicaSets = stored[*appsv1.ReplicaSet](w.replicaSets)
		r.pods = selected(r.deployment, stored[*corev1.Pod](w.pods))
	}
	return r
}

// evidence is what went wrong lately with the Deployment's own objects.
func (w *rolloutWatch) evidence() string {
	r := w.stored()
	var own events
	for _, pod := range r.pods {
		own = append(own, r.events.of(pod.UID)...)
	}
	for _, rs := range r.replicaSets {
		if r.deployment != nil && controlledBy(rs, r.deployment.UID) {
			own = append(own, r.events.of(rs.UID)...)
		}
	}
	return own.evidence()
}

func selected(deployment *appsv1.Deployment, pods []*corev1.Pod) []*corev1.Pod {
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil
	}
	var matching []*corev1.Pod
	for _, pod := range pods {
		if selector.Matches(labels.Set(pod.Labels)) {
			matching = append(matching, pod)
		}
	}
	return matching
}

func stored[T any](informer cache.SharedIndexInformer) []T {
	var all []T
	for _, item := range informer.GetStore().List() {
		if typed, ok := item.(T); ok {
			all = append(all, typed)
		}
	}
	return all
}
