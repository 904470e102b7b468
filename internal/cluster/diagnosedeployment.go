package cluster

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DiagnoseDeployment looks once at a Deployment that was ready, and gives a *[Problem] if its pods cannot come back by
// themselves. One that is ready, or on its way, is no error: a program that does not answer is asked about here.
func (c *Client) DiagnoseDeployment(ctx context.Context, namespace, name string, options ...WaitOption) error {
	object, o := "Deployment "+namespace+"/"+name, optionsOf(options)
	r, err := c.readRollout(ctx, namespace, name)
	if err != nil {
		return classify("looking at "+object, err)
	}
	r.watched, r.knobs = watched{now: time.Now(), pace: o.pace}, o.knobs
	last := diagnose(r)
	if last.problem == nil {
		return nil
	}
	return c.conclude(ctx, object, last.problem, last, func() string { return "" }, o)
}

func (c *Client) readRollout(ctx context.Context, namespace, name string) (rollout, error) {
	deployment, err := c.kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return rollout{}, nil
	}
	if err != nil {
		return rollout{}, err
	}
	replicaSets, err := c.kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return rollout{}, err
	}
	pods, err := c.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return rollout{}, err
	}
	events, err := c.kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return rollout{}, err
	}
	looker := nodeLooker{client: c}
	own := selected(deployment, pointers[corev1.Pod](pods.Items))
	return rollout{
		deployment: deployment, replicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items), pods: own,
		events: pointers(events.Items), nodes: looker.look(ctx, own, time.Now()),
	}, nil
}
