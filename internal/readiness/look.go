package readiness

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/cluster"
	"lockstep/internal/diagnosis"
)

// IsReady says whether a Deployment has all the pods it is to have, ready and of its present definition.
func IsReady(ctx context.Context, c *cluster.Client, namespace, name string) (ready bool, err error) {
	deployment, err := c.Kube().AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return false, cluster.Classify("reading Deployment "+namespace+"/"+name, err)
	}
	wanted := int32(1)
	if deployment.Spec.Replicas != nil {
		wanted = max(1, *deployment.Spec.Replicas) // without pods it serves nobody
	}
	s := deployment.Status
	return s.ObservedGeneration >= deployment.Generation && s.ReadyReplicas >= wanted && s.UpdatedReplicas >= wanted, nil
}

// LookAtDeployment looks once at a Deployment that was ready, and gives a [failure.NotReady] if its pods cannot come back by
// themselves. One that is ready, or on its way, is no error: a program that does not answer is asked about here.
func LookAtDeployment(ctx context.Context, c *cluster.Client, namespace, name string, options ...Option) error {
	w := begin(c, "Deployment "+namespace+"/"+name, nil, options)
	r, err := readRollout(ctx, c.Kube(), namespace, name)
	if err != nil {
		return cluster.Classify("looking at "+w.object, err)
	}
	r.Moment, r.Fields = diagnosis.Moment{Now: w.started, Pace: w.pace}, w.fields
	log := signReader{signs: w.signs}
	w.last = log.judge(ctx, w, r.Judge())
	return w.conclude(ctx, nil, nothing)
}

func readRollout(ctx context.Context, kube kubernetes.Interface, namespace, name string) (diagnosis.Rollout, error) {
	deployment, err := kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return diagnosis.Rollout{}, nil
	}
	if err != nil {
		return diagnosis.Rollout{}, err
	}
	replicaSets, err := kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Rollout{}, err
	}
	pods, err := kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Rollout{}, err
	}
	events, err := kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Rollout{}, err
	}
	looker, own := nodeLooker{kube: kube}, selected(deployment, pointers(pods.Items))
	return diagnosis.Rollout{
		Deployment: deployment, ReplicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items), Pods: own,
		Events: pointers(events.Items), Nodes: looker.look(ctx, own, time.Now()),
	}, nil
}

// LookAtJob looks once at a Job, as a chart's hook makes it, and gives a [failure.NotReady] if it has failed or cannot
// succeed. A Job that runs, succeeded, or is not there is no error: Helm says of a failed hook only that it timed out,
// so this is called beside it.
func LookAtJob(ctx context.Context, c *cluster.Client, namespace, name string, options ...Option) error {
	w := begin(c, "Job "+namespace+"/"+name, nil, options)
	job, err := c.Kube().BatchV1().Jobs(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return cluster.Classify("looking at "+w.object, err)
	}
	pods, err := c.Kube().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + name})
	if err != nil {
		return cluster.Classify("looking at "+w.object, err)
	}
	events, err := c.Kube().CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return cluster.Classify("looking at "+w.object, err)
	}
	w.last = diagnosis.Job{Job: job, Pods: pointers[corev1.Pod](pods.Items), Events: pointers(events.Items), Now: w.started}.Judge()
	return w.conclude(ctx, nil, nothing)
}

func pointers[T any](items []T) []*T {
	all := make([]*T, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	return all
}
