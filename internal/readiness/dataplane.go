package readiness

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/dataplane"
	"lockstep/internal/diagnosis"
)

// dataPlaneLooker looks at what Envoy Gateway made for a Gateway. It is evidence only: what cannot be read is
// left out, and its Unread says so of the load balancer.
type dataPlaneLooker struct {
	kube               kubernetes.Interface
	namespace, gateway string
	in                 string // the namespace of the data plane; "": look in all
	pace               diagnosis.Pace
	last               diagnosis.DataPlane
	lastTime           time.Time
}

// look asks the API server at most every three seconds.
func (l *dataPlaneLooker) look(ctx context.Context, started time.Time) diagnosis.DataPlane {
	if time.Since(l.lastTime) < 3*time.Second {
		return l.last
	}
	l.last, l.lastTime = diagnosis.DataPlane{}, time.Now()
	service, err := dataplane.Service(ctx, l.kube, l.in, l.namespace, l.gateway)
	if service == nil {
		l.last.Unread = err
		return l.last
	}
	l.last.ServiceType = string(service.Spec.Type)
	list, err := l.kube.CoreV1().Events(service.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		l.last.Unread = err
		return l.last
	}
	events := pointers[corev1.Event](list.Items)
	l.last.Working, l.last.Failure = diagnosis.LoadBalancer(service.UID, events)
	l.last.Rollout = l.rollout(ctx, service.Namespace, events, started)
	return l.last
}

// port is where the data plane's HTTPS port is reached from outside; 0 if nobody knows.
func (l *dataPlaneLooker) port(ctx context.Context) int32 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service, _ := dataplane.Service(ctx, l.kube, l.in, l.namespace, l.gateway)
	return dataplane.Port(service)
}

func (l *dataPlaneLooker) rollout(ctx context.Context, namespace string, events diagnosis.Events, started time.Time) diagnosis.Verdict {
	deployments, err := l.kube.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: dataplane.Selector(l.namespace, l.gateway)})
	if err != nil || len(deployments.Items) == 0 {
		return diagnosis.Verdict{}
	}
	replicaSets, err := l.kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}
	}
	pods, err := l.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}
	}
	deployment := &deployments.Items[0]
	return diagnosis.Rollout{
		Deployment: deployment, ReplicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items),
		Pods: selected(deployment, pointers(pods.Items)), Events: events, Moment: diagnosis.Moment{Now: time.Now(), Started: started, Pace: l.pace},
	}.Judge()
}
