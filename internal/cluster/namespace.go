package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/failure"
)

// EnsureNamespace makes the namespace unless it is there; one that is there stays as it is.
func (c *Client) EnsureNamespace(ctx context.Context, name string, labels map[string]string) (created bool, err error) {
	doing := "making namespace " + name
	present, err := c.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}) // who may not make one may use one that is there
	if apierrors.IsNotFound(err) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
		if _, err = c.kube.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{FieldManager: FieldManager}); err == nil {
			return true, nil
		}
		if apierrors.IsAlreadyExists(err) { // somebody was faster
			present, err = c.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		}
	}
	if err != nil {
		return false, Classify(doing, err)
	}
	if present.DeletionTimestamp != nil {
		return false, &failure.Error{Kind: failure.Conflict, Doing: doing, Cause: fmt.Errorf("namespace %q is being deleted", name),
			Next: "wait until it is gone (kubectl get namespace " + name + " -w), or choose another namespace"}
	}
	return false, nil
}
