package world

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where a worker that is a pod runs. The names are none of those that tests look for in what an environment leaves.
const (
	workerNamespace = "operators"
	workerName      = "worker"
)

// startPod starts the worker as a pod with the rights of docs/permissions.md, and returns when it is ready.
func (w *World) startPod(t testing.TB) {
	t.Helper()
	w.makeWorkerAccount(t)
	pods := w.Client(t).CoreV1().Pods(workerNamespace)
	if _, err := pods.Create(t.Context(), w.workerPod(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	within(t, w.Patience(), "the worker's pod is ready", func() bool {
		pod, err := pods.Get(t.Context(), workerName, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(pod.Status.ContainerStatuses) == 0 {
			return false
		}
		if ended := pod.Status.ContainerStatuses[0].State.Terminated; ended != nil {
			w.keepPodLog(t)
			t.Fatalf("the worker ended with %d, %s", ended.ExitCode, ended.Reason)
		}
		return pod.Status.ContainerStatuses[0].Ready
	})
}

func (w *World) workerPod() *corev1.Pod {
	mirrors := os.Getenv("LOCKSTEP_MIRRORS")
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: workerName, Namespace: workerNamespace},
		Spec: corev1.PodSpec{
			ServiceAccountName: workerName, RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64(45)),
			Containers: []corev1.Container{{
				Name: workerName, Image: w.WorkerImage(), ImagePullPolicy: corev1.PullAlways,
				Env: []corev1.EnvVar{
					{Name: "TEMPORAL_ADDRESS", Value: w.TemporalAddress()}, {Name: "LOCKSTEP_MIRRORS", Value: mirrors},
					{Name: "LOCKSTEP_HEALTH_ADDRESS", Value: ":8086"},
				},
				ReadinessProbe: &corev1.Probe{
					PeriodSeconds: 1, TimeoutSeconds: 2,
					ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromInt(8086)}},
				},
				SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: new(true), RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(false)},
				VolumeMounts:    []corev1.VolumeMount{{Name: "cache", MountPath: "/var/cache/lockstep"}, {Name: "tmp", MountPath: "/tmp"}},
			}},
			Volumes: []corev1.Volume{
				{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		},
	}
}

// stopPod deletes the worker's pod: with SIGKILL at once, as when a node is lost.
func (w *World) stopPod(t testing.TB, signal syscall.Signal) {
	t.Helper()
	w.keepPodLog(t)
	ctx := context.WithoutCancel(t.Context()) // also when the test has ended
	var options metav1.DeleteOptions
	if signal == syscall.SIGKILL {
		options.GracePeriodSeconds = new(int64(0))
	}
	pods := w.Client(t).CoreV1().Pods(workerNamespace)
	if err := pods.Delete(ctx, workerName, options); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	within(t, time.Minute+45*time.Second, "the worker's pod has gone", func() bool {
		_, err := pods.Get(ctx, workerName, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

// keepPodLog adds what the worker's pod wrote to the log of all workers.
func (w *World) keepPodLog(t testing.TB) {
	t.Helper()
	stream, err := w.Client(t).CoreV1().Pods(workerNamespace).GetLogs(workerName, &corev1.PodLogOptions{}).Stream(context.WithoutCancel(t.Context()))
	if err != nil {
		return // it never ran
	}
	defer stream.Close()
	log, err := os.OpenFile(w.WorkerLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := io.Copy(log, stream); err != nil {
		t.Error(err)
	}
}

// makeWorkerAccount makes the worker's account, once. What it makes goes with the world.
func (w *World) makeWorkerAccount(t testing.TB) {
	t.Helper()
	client := w.Client(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workerNamespace}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) && w.accountMade {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	w.accountMade = true
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: workerName}}
	if _, err := client.CoreV1().ServiceAccounts(workerNamespace).Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "operators-worker"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: workerNamespace, Name: workerName}},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := client.RbacV1().ClusterRoleBindings().Delete(ctx, binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if err := client.CoreV1().Namespaces().Delete(ctx, workerNamespace, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}
