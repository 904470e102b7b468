package readiness_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/diagnosis"
	"lockstep/internal/failure"
	"lockstep/internal/podlog"
	"lockstep/internal/readiness"
	"lockstep/test/clustertest"
)

func TestAgainstARealControlPlane(t *testing.T) {
	s := clustertest.Start(t)
	for name, test := range map[string]func(*testing.T, *clustertest.Plane){
		"a rollout is waited for until old pods are gone":             testRollout,
		"a rollout that cannot start fails within seconds":            testFailingRollout,
		"a deadline is told with what was seen":                       testDeadline,
		"an environment's routing is applied, waited for and removed": testRouting,
		"the log of a crash is evidence without its secrets":          testCrashLog,
		"a program that gives up and lives on ends the wait":          testGivesUp,
	} {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

// deploy makes a Deployment of one replica and gives the pod that its controllers made.
func deploy(t *testing.T, s *clustertest.Plane, namespace, image string) *corev1.Pod {
	t.Helper()
	labels := map[string]string{"app": "x"}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			NodeName: "played", Containers: []corev1.Container{{Name: "main", Image: image}},
		}},
	}}
	deployments := s.Kube.AppsV1().Deployments(namespace)
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
	clustertest.Eventually(t, "a pod of "+image, func() bool {
		pods, err := s.Kube.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=x"})
		for i := range pods.Items {
			if pods.Items[i].Spec.Containers[0].Image == image {
				found = &pods.Items[i]
			}
		}
		return err == nil && found != nil
	})
	return found
}

func wait(t *testing.T, s *clustertest.Plane, namespace string, timeout time.Duration, options ...readiness.Option) <-chan error {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() {
		done <- readiness.Deployment(ctx, s.Client, namespace, "x", func(text string) { t.Log(text) },
			append(options, readiness.ValuesAt("identityServer.values.deployment"))...)
	}()
	return done
}

func testRollout(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "rollout")
	s.Play(t, deploy(t, s, ns, "x:1"), true, clustertest.Running)
	if err := <-wait(t, s, ns, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	s.Play(t, deploy(t, s, ns, "x:2"), true, clustertest.Running)
	done := wait(t, s, ns, 30*time.Second)
	// The old pod is asked to end; its kubelet has not confirmed it yet.
	clustertest.Eventually(t, "the old pod's end", func() bool {
		pods, err := s.Kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(pods.Items) == 2 && (pods.Items[0].DeletionTimestamp != nil || pods.Items[1].DeletionTimestamp != nil)
	})
	select {
	case err := <-done:
		t.Fatalf("done although the old pod still ends: %v", err)
	default:
	}
	pods, _ := s.Kube.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	now := int64(0)
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			_ = s.Kube.CoreV1().Pods(ns).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func testFailingRollout(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "failing")
	done := wait(t, s, ns, time.Minute)
	pod := deploy(t, s, ns, "x:nope")
	s.Play(t, pod, false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: `"x:nope": not found`}})
	err := <-done
	found, _ := failure.As(err)
	if !failure.Is(err, failure.NotReady) || found.Reason != "ImagePullBackOff" || !strings.Contains(found.Next, "put the image into the registry") || !strings.Contains(err.Error(), pod.Name) {
		t.Errorf("got %v", err)
	}
}

func testDeadline(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "deadline")
	s.Play(t, deploy(t, s, ns, "x:1"), false, clustertest.Running)
	err := <-wait(t, s, ns, 3*time.Second)
	if !failure.Is(err, failure.NotReady) || failure.ReasonOf(err) != diagnosis.ReasonDeadline || !strings.Contains(err.Error(), "0/1 pods ready") {
		t.Errorf("got %v", err)
	}
}

func testCrashLog(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "crash")
	s.Node(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "starting\npassword=hunter2\nout of luck\n")
	}))
	crashed := deploy(t, s, ns, "x:crash")
	s.Play(t, crashed, false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}})
	crashed.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 3, FinishedAt: metav1.Now()}
	live, _ := s.Kube.CoreV1().Pods(ns).Get(t.Context(), crashed.Name, metav1.GetOptions{})
	live.Status = crashed.Status
	if _, err := s.Kube.CoreV1().Pods(ns).UpdateStatus(t.Context(), live, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	err := <-wait(t, s, ns, 20*time.Second)
	if err == nil || !strings.Contains(err.Error(), "out of luck") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// The real server's process lives on, so its startup probe would be asked until the deadline.
func testGivesUp(t *testing.T, s *clustertest.Plane) {
	ns := s.Namespace(t, "givesup")
	s.Node(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "ERROR {Pool} - no database | x.Y: z | \tat a.b(C.java:1) | Caused by: java.net.ConnectException: refused\n"+
			"FATAL {CarbonServerManager} - WSO2 Carbon initialization Failed\n"+strings.Repeat("INFO - goes on\n", 150))
	}))
	done := wait(t, s, ns, time.Minute, readiness.EndsWith(podlog.Sign{Text: "initialization Failed", Means: "it has given up", Next: "correct it"}))
	s.Play(t, deploy(t, s, ns, "x:givesup"), false, clustertest.Running)
	err := <-done
	found, _ := failure.As(err)
	if !failure.Is(err, failure.NotReady) || found.Reason != readiness.ReasonSign || found.Next != "correct it" {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"it has given up: FATAL {CarbonServerManager}", "ERROR {Pool} - no database", "Caused by: java.net.ConnectException: refused"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
