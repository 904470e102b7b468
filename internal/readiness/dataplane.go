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
	controller         string // the controller's Deployment there; "": not known
	pace               diagnosis.Pace
	last               diagnosis.DataPlane
	lastTime           time.Time
}

// look asks the API server at most every second.
func (l *dataPlaneLooker) look(ctx context.Context, started time.Time) diagnosis.DataPlane {
	if time.Since(l.lastTime) < time.Second {
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
	l.last.Rollout, l.last.Behind = l.rollout(ctx, service.Namespace, events, started)
	return l.last
}

// port is where the data plane's HTTPS port is reached from outside; 0 if nobody knows.
func (l *dataPlaneLooker) port(ctx context.Context) int32 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service, _ := dataplane.Service(ctx, l.kube, l.in, l.namespace, l.gateway)
	return dataplane.Port(service)
}

func (l *dataPlaneLooker) rollout(ctx context.Context, namespace string, events diagnosis.Events, started time.Time) (rollout diagnosis.Verdict, behind string) {
	deployments, err := l.kube.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: dataplane.Selector(l.namespace, l.gateway)})
	if err != nil || len(deployments.Items) == 0 {
		return diagnosis.Verdict{}, ""
	}
	replicaSets, err := l.kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}, ""
	}
	pods, err := l.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}, ""
	}
	deployment := &deployments.Items[0]
	return diagnosis.Rollout{
		Deployment: deployment, ReplicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items),
		Pods: selected(deployment, pointers(pods.Items)), Events: events, Moment: diagnosis.Moment{Now: time.Now(), Started: started, Pace: l.pace},
	}.Judge(), l.behind(ctx, namespace, deployment)
}

// replacing is how long a controller may take to replace what an earlier one made, after it is ready: it waits for the earlier one's lease,
// 15 seconds. After that the difference is somebody's will.
const replacing = time.Minute

// behind tells whose work a data plane is by its shutdown manager: Envoy Gateway gives every Envoy one from the controller's own image
// (envoyproxy/gateway, charts/gateway-helm/templates/_helpers.tpl, eg.default-envoy-gateway-config).
func (l *dataPlaneLooker) behind(ctx context.Context, namespace string, plane *appsv1.Deployment) string {
	if l.controller == "" {
		return ""
	}
	controller, err := l.kube.AppsV1().Deployments(namespace).Get(ctx, l.controller, metav1.GetOptions{})
	if err != nil || len(controller.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	wanted, made := controller.Spec.Template.Spec.Containers[0].Image, ""
	for _, container := range plane.Spec.Template.Spec.Containers {
		if container.Name == "shutdown-manager" {
			made = container.Image
		}
	}
	if made == "" || made == wanted || time.Since(changed(controller)) > replacing {
		return ""
	}
	return "Envoy is still as controller " + made + " made it, and " + wanted + " has not replaced it yet"
}

// changed is when the present pods of a Deployment came.
func changed(deployment *appsv1.Deployment) time.Time {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing {
			return condition.LastUpdateTime.Time
		}
	}
	return time.Now()
}
