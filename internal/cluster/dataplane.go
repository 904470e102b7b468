package cluster

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// dataPlaneLooker looks at what Envoy Gateway made for a Gateway. It is evidence only: what cannot be read is
// left out, and dataPlane.unread says so of the load balancer.
type dataPlaneLooker struct {
	client             *Client
	namespace, gateway string
	in                 string // the namespace of the data plane; "": look in all
	pace               pace
	last               dataPlane
	lastTime           time.Time
}

// look asks the API server at most every three seconds.
func (l *dataPlaneLooker) look(ctx context.Context, started time.Time) dataPlane {
	if time.Since(l.lastTime) < 3*time.Second {
		return l.last
	}
	l.last, l.lastTime = dataPlane{}, time.Now()
	service, err := l.service(ctx)
	if service == nil {
		l.last.unread = err
		return l.last
	}
	l.last.serviceType = string(service.Spec.Type)
	list, err := l.client.kube.CoreV1().Events(service.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		l.last.unread = err
		return l.last
	}
	all := events(pointers(list.Items))
	l.last.working, l.last.failure = loadBalancerState(all.of(service.UID))
	l.last.rollout = l.rollout(ctx, service.Namespace, all, started)
	return l.last
}

// RemoveDataPlane waits until the gateway's controller has removed what it made for a Gateway that is gone, and removes
// itself what is left after a minute: a controller that does not run removes nothing.
func (c *Client) RemoveDataPlane(ctx context.Context, namespace, gateway string, progress func(string)) error {
	progress("waiting until the gateway's data plane is gone")
	selector := owning(namespace, gateway)
	var left []Ref
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		left = nil
		for _, kind := range []struct{ apiVersion, kind string }{
			{"apps/v1", "Deployment"}, {"apps/v1", "DaemonSet"}, {"autoscaling/v2", "HorizontalPodAutoscaler"},
			{"policy/v1", "PodDisruptionBudget"}, {"v1", "Service"}, {"v1", "ConfigMap"}, {"v1", "ServiceAccount"}, {"v1", "Pod"},
		} {
			objects, err := c.List(ctx, kind.apiVersion, kind.kind, "", selector)
			if err != nil {
				return false, err
			}
			for _, object := range objects {
				ref := RefOf(object)
				ref.Owner = selector
				left = append(left, ref)
			}
		}
		return len(left) == 0, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return c.Delete(ctx, left...)
	}
	return classify("waiting for the gateway's data plane to go", err)
}

// port is where the data plane's HTTPS port is reached from outside.
func (l *dataPlaneLooker) port(ctx context.Context) int32 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service, _ := l.service(ctx)
	if service == nil {
		return 0
	}
	for _, port := range service.Spec.Ports {
		if port.Port == 443 && port.Protocol != corev1.ProtocolUDP {
			if service.Spec.Type == corev1.ServiceTypeNodePort {
				return port.NodePort
			}
			return port.Port
		}
	}
	return 0
}

// service is the data plane's; nil while there is none.
func (l *dataPlaneLooker) service(ctx context.Context) (*corev1.Service, error) {
	services, err := l.client.kube.CoreV1().Services(l.in).List(ctx, metav1.ListOptions{LabelSelector: owning(l.namespace, l.gateway)})
	if err != nil || len(services.Items) == 0 {
		return nil, err
	}
	return &services.Items[0], nil
}

func (l *dataPlaneLooker) rollout(ctx context.Context, namespace string, all events, started time.Time) verdict {
	kube, selector := l.client.kube, metav1.ListOptions{LabelSelector: owning(l.namespace, l.gateway)}
	deployments, err := kube.AppsV1().Deployments(namespace).List(ctx, selector)
	if err != nil || len(deployments.Items) == 0 {
		return verdict{}
	}
	replicaSets, err := kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return verdict{}
	}
	pods, err := kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return verdict{}
	}
	deployment := &deployments.Items[0]
	return diagnose(rollout{
		deployment: deployment, replicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items),
		pods: selected(deployment, pointers(pods.Items)), events: all, watched: watched{now: time.Now(), started: started, pace: l.pace},
	})
}

// loadBalancerState reads the events of the cloud's service controller and of MetalLB.
func loadBalancerState(own events) (working bool, failure string) {
	if failed := own.last("SyncLoadBalancerFailed", "AllocationFailed", "EnsuringLoadBalancer", "EnsuredLoadBalancer"); failed != nil && failed.Type == corev1.EventTypeWarning {
		failure = clip(firstLine(failed.Message))
	}
	return own.last("EnsuringLoadBalancer", "UpdatedLoadBalancer", "IPAllocated", "nodeAssigned") != nil, failure
}
