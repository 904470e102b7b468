package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/failure"
)

// EnsureNamespace makes the namespace unless it is there; one that is there stays as it is.
func (c *Client) EnsureNamespace(ctx context.Context, name string, labels map[string]string) (created bool, err error) {
	doing := "making namespace " + name
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	_, err = c.kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{FieldManager: FieldManager})
	if err == nil {
		return true, nil
	}
	present, getErr := c.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if getErr != nil {
		return false, Classify(doing, err) // the first refusal says more than the second
	}
	if present.DeletionTimestamp != nil {
		return false, &failure.Error{Kind: failure.Conflict, Doing: doing, Cause: fmt.Errorf("namespace %q is being deleted", name),
			Next: "wait until it is gone (kubectl get namespace " + name + " -w), or choose another namespace"}
	}
	return false, nil
}
