package readiness

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
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"lockstep/internal/cluster"
	"lockstep/internal/diagnosis"
)

// Deployment waits until exactly the pods of the Deployment's newest version are left and all are ready, or until
// it is clear that they will not be: then the error is a [failure.NotReady] with the pods' events and last log lines. So it is
// when ctx ends by its deadline. progress, which may be nil, is told what is being waited for whenever that changes.
func Deployment(ctx context.Context, c *cluster.Client, namespace, name string, progress func(string), options ...Option) error {
	w, watch := begin(c, "Deployment "+namespace+"/"+name, progress, options), watchRollout(c.Kube(), namespace, name)
	log := signReader{signs: w.signs}
	err := w.until(ctx, watch.informers(), func(at diagnosis.Moment) diagnosis.Verdict {
		return log.judge(ctx, w, watch.look(ctx, at, w.fields).Judge())
	})
	return w.conclude(ctx, err, func() string { return watch.stored().Evidence() })
}

// rolloutWatch keeps what a Deployment's readiness depends on up to date.
type rolloutWatch struct {
	deployments, replicaSets, pods, events cache.SharedIndexInformer
	nodes                                  nodeLooker
	passed                                 map[string]time.Time
}

func watchRollout(kube kubernetes.Interface, namespace, name string) *rolloutWatch {
	named := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
	}
	all := func(*metav1.ListOptions) {}
	return &rolloutWatch{
		nodes: nodeLooker{kube: kube}, passed: map[string]time.Time{},
		deployments: appsinformers.NewFilteredDeploymentInformer(kube, namespace, 0, nil, named),
		replicaSets: appsinformers.NewFilteredReplicaSetInformer(kube, namespace, 0, nil, all),
		pods:        coreinformers.NewFilteredPodInformer(kube, namespace, 0, nil, all),
		events:      coreinformers.NewFilteredEventInformer(kube, namespace, 0, nil, all),
	}
}

func (w *rolloutWatch) informers() []cache.SharedIndexInformer {
	return []cache.SharedIndexInformer{w.deployments, w.replicaSets, w.pods, w.events}
}

func (w *rolloutWatch) look(ctx context.Context, at diagnosis.Moment, f diagnosis.Fields) diagnosis.Rollout {
	r := w.stored()
	r.Moment, r.Fields, r.Passed, r.Nodes = at, f, w.passed, w.nodes.look(ctx, r.Pods, at.Now)
	diagnosis.MarkPassed(w.passed, r.Pods, at.Now)
	return r
}

func (w *rolloutWatch) stored() diagnosis.Rollout {
	r := diagnosis.Rollout{Events: stored[*corev1.Event](w.events)}
	if found := stored[*appsv1.Deployment](w.deployments); len(found) > 0 {
		r.Deployment = found[0]
		r.ReplicaSets = stored[*appsv1.ReplicaSet](w.replicaSets)
		r.Pods = selected(r.Deployment, stored[*corev1.Pod](w.pods))
	}
	return r
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
