package cluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
)

// deploy makes a Deployment of one replica and gives the pod that its controllers made.
func (s *suite) deploy(t *testing.T, namespace, image string) *corev1.Pod {
	t.Helper()
	labels := map[string]string{"app": "x"}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			NodeName: "played", Containers: []corev1.Container{{Name: "main", Image: image}},
		}},
	}}
	deployments := s.kube.AppsV1().Deployments(namespace)
	if _, err := deployments.Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		if live, getErr := deployments.Get(t.Context(), "x", metav1.GetOptions{}); getErr == nil {
			live.Spec = deployment.Spec
			_, err = deployments.Update(t.Context(), live, metav1.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var found *corev1.Pod
	eventually(t, "a pod of "+image, func() bool {
		pods, err := s.kube.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=x"})
		for i := range pods.Items {
			if pods.Items[i].Spec.Containers[0].Image == image {
				found = &pods.Items[i]
			}
		}
		return err == nil && found != nil
	})
	return found
}

// play sets the pod's status as a kubelet would.
func (s *suite) play(t *testing.T, pod *corev1.Pod, ready bool, state corev1.ContainerState) {
	t.Helper()
	condition := corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: condition}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Image: "x", Ready: ready, State: state}}}
	if _, err := s.kube.CoreV1().Pods(pod.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) wait(t *testing.T, namespace string, timeout time.Duration) <-chan error {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() {
		done <- s.client.WaitDeployment(ctx, namespace, "x", func(text string) { t.Log(text) }, cluster.ValuesAt("identityServer.values.deployment"))
	}()
	return done
}

var running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

func testRollout(t *testing.T, s *suite) {
	ns := s.namespace(t, "rollout")
	s.play(t, s.deploy(t, ns, "x:1"), true, running)
	if err := <-s.wait(t, ns, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	s.play(t, s.deploy(t, ns, "x:2"), true, running)
	done := s.wait(t, ns, 30*time.Second)
	// The old pod is asked to end; its kubelet has not confirmed it yet.
	eventually(t, "the old pod's end", func() bool {
		pods, err := s.kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 2 && (pods.Items[0].DeletionTimestamp != nil || pods.Items[1].DeletionTimestamp != nil)
	})
	select {
	case err := <-done:
		t.Fatalf("done although the old pod still ends: %v", err)
	default:
	}
	pods, _ := s.kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	now := int64(0)
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			_ = s.kube.CoreV1().Pods(ns).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func testFailingRollout(t *testing.T, s *suite) {
	ns := s.namespace(t, "failing")
	done := s.wait(t, ns, time.Minute)
	pod := s.deploy(t, ns, "x:nope")
	s.play(t, pod, false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `"x:nope": not found`}})
	err := <-done
	var problem *cluster.Problem
	if !errors.As(err, &problem) || problem.Reason != "ImagePullBackOff" || !strings.Contains(problem.NextMove, "put the image into the registry") || !strings.Contains(err.Error(), pod.Name) {
		t.Errorf("got %v", err)
	}
}

func testDeadline(t *testing.T, s *suite) {
	ns := s.namespace(t, "deadline")
	s.play(t, s.deploy(t, ns, "x:1"), false, running)
	err := <-s.wait(t, ns, 3*time.Second)
	var problem *cluster.Problem
	if !errors.As(err, &problem) || problem.Reason != cluster.ReasonDeadline || !strings.Contains(err.Error(), "0/1 pods ready") {
		t.Errorf("got %v", err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
