package node

import (
	"context"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// register makes the Node object, or takes it up again. Its conditions are kwok's to write.
func (n *node) register(ctx context.Context) error {
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: Name,
		Labels: map[string]string{
			corev1.LabelHostname:   Name,
			corev1.LabelOSStable:   "linux",
			corev1.LabelArchStable: runtime.GOARCH,
		},
	}}
	nodes := n.client.CoreV1().Nodes()
	if _, err := nodes.Create(ctx, object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	if err := n.freeLease(ctx); err != nil {
		return err
	}
	version := serverVersion(n.client.Discovery())
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		current, err := nodes.Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		current.Status.Capacity = n.Capacity
		current.Status.Allocatable = n.Capacity
		current.Status.Addresses = []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: kubeletAddress(n.Instance)},
			{Type: corev1.NodeHostName, Address: Name},
		}
		current.Status.DaemonEndpoints.KubeletEndpoint.Port = kubeletPort
		current.Status.NodeInfo = corev1.NodeSystemInfo{
			Architecture: runtime.GOARCH, OperatingSystem: "linux", OSImage: "Lockstep sandbox (simulated)",
			KubeletVersion: version, ContainerRuntimeVersion: "sandbox://1",
		}
		_, err = nodes.UpdateStatus(ctx, current, metav1.UpdateOptions{})
		return err
	})
}

// freeLease removes the node's lease. A kwok honours that of its predecessor until it expires, but there is only ever one
// of them here.
func (n *node) freeLease(ctx context.Context) error {
	err := n.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
