// Package clustertest gives a test a real control plane without a node: the test plays the kubelet and the controllers of gateways.
package clustertest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"lockstep/internal/cluster"
	"lockstep/sandbox/controlplane"
	"lockstep/sandbox/process"
	"lockstep/sandbox/sandboxtest"
)

// Plane is a control plane.
type Plane struct {
	Client  *cluster.Client
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
}

// Start starts a control plane and stops it when the test ends. It skips like [sandboxtest.Bin].
func Start(t *testing.T) *Plane {
	t.Helper()
	bin := sandboxtest.Bin(t, controlplane.Programs()...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	plane, err := controlplane.Start(ctx, controlplane.Options{Dir: t.TempDir(), Bin: bin, Port: process.FreePort, Start: func(spec process.Spec) (*process.Process, error) {
		p, err := process.Start(spec)
		if err == nil {
			t.Cleanup(func() { p.Stop(0) })
		}
		return p, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := cluster.New(cluster.Reach{Kubeconfig: plane.Kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	restConfig, err := clientcmd.BuildConfigFromFlags("", plane.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return &Plane{Client: client, Kube: kubernetes.NewForConfigOrDie(restConfig), Dynamic: dynamic.NewForConfigOrDie(restConfig)}
}

// Namespace makes one of the test's own, of the environment dev.
func (p *Plane) Namespace(t *testing.T, name string) string {
	t.Helper()
	created, err := p.Client.EnsureNamespace(t.Context(), name, cluster.Labels("dev"))
	if err != nil || !created {
		t.Fatalf("created %v, %v", created, err)
	}
	return name
}

// Node registers the node "played", for which the API server asks the kubelet.
func (p *Plane) Node(t *testing.T, kubelet http.Handler) {
	t.Helper()
	server := httptest.NewTLSServer(kubelet)
	t.Cleanup(server.CloseClientConnections)
	nodes := p.Kube.CoreV1().Nodes()
	node, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "played"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nodes.Delete(context.WithoutCancel(t.Context()), "played", metav1.DeleteOptions{}) })
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(server.Listener.Addr().(*net.TCPAddr).Port)
	if _, err := nodes.UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Running is the state of a container that runs.
var Running = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}

// Play sets the status of a pod, whose one container is main, as a kubelet would.
func (p *Plane) Play(t *testing.T, pod *corev1.Pod, ready bool, state corev1.ContainerState) {
	t.Helper()
	condition := corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: condition}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Image: "x", Ready: ready, State: state}}}
	if _, err := p.Kube.CoreV1().Pods(pod.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until something holds.
func Eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
