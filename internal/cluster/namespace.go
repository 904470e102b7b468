package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
)

const kindNamespace = "Namespace"

// settling is how long what a release leaves may take to go: pods go after the objects that own them.
const settling = 20 * time.Second

// Occupants names what a namespace holds that is not Lockstep's and would be lost with it: pods, volume claims, Secrets
// and ConfigMaps, without those that a cluster puts into every namespace.
func (c *Client) Occupants(ctx context.Context, namespace string) ([]Ref, error) {
	var occupants []Ref
	for _, kind := range []string{"Pod", "PersistentVolumeClaim", "Secret", "ConfigMap"} {
		objects, err := c.List(ctx, "v1", kind, namespace, "")
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			if foreign(object) {
				occupants = append(occupants, RefOf(object))
			}
		}
	}
	return occupants, nil
}

func foreign(object *unstructured.Unstructured) bool {
	if object.GetLabels()[ManagedByLabel] == ManagedBy || object.GetDeletionTimestamp() != nil {
		return false
	}
	switch object.GetKind() {
	case "ConfigMap": // of the controller manager, OpenShift and Istio
		return !slices.Contains([]string{"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"}, object.GetName())
	case "Secret": // of service accounts: old clusters and OpenShift
		kind, _, _ := unstructured.NestedString(object.Object, "type")
		return kind != "kubernetes.io/service-account-token" && kind != "kubernetes.io/dockercfg"
	}
	return true
}

// occupied waits until a namespace is empty but for what is Lockstep's, and says whether it still is not.
func (c *Client) occupied(ctx context.Context, namespace string) (bool, error) {
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, settling, true, func(ctx context.Context) (bool, error) {
		occupants, err := c.Occupants(ctx, namespace)
		// Only pods go by themselves.
		kept := slices.ContainsFunc(occupants, func(ref Ref) bool { return ref.Kind != "Pod" })
		if kept {
			return false, errInUse
		}
		return len(occupants) == 0, err
	})
	if errors.Is(err, errInUse) || wait.Interrupted(err) && ctx.Err() == nil {
		return true, nil
	}
	return false, err
}
