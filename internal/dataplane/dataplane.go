// Package dataplane finds and removes what Envoy Gateway makes for a Gateway: the pods that carry its traffic, and their Service.
package dataplane

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"lockstep/internal/cluster"
)

// Labels that Envoy Gateway puts on what it makes for a Gateway.
const (
	owningGatewayName      = "gateway.envoyproxy.io/owning-gateway-name"
	owningGatewayNamespace = "gateway.envoyproxy.io/owning-gateway-namespace"
)

// Selector selects what was made for a Gateway.
func Selector(namespace, gateway string) string {
	return labels.Set{owningGatewayName: gateway, owningGatewayNamespace: namespace}.String()
}

// Service is the Service of a Gateway's data plane; nil while there is none. It is looked for in one namespace, or in all with "".
func Service(ctx context.Context, kube kubernetes.Interface, in, namespace, gateway string) (*corev1.Service, error) {
	services, err := kube.CoreV1().Services(in).List(ctx, metav1.ListOptions{LabelSelector: Selector(namespace, gateway)})
	if err != nil || len(services.Items) == 0 {
		return nil, err
	}
	return &services.Items[0], nil
}

// Port is where the HTTPS port of a data plane's Service is reached from outside of the cluster; 0 if that is not known.
func Port(service *corev1.Service) int32 {
	if service == nil {
		return 0
	}
	for _, port := range service.Spec.Ports {
		if port.Port == 443 && port.Protocol != corev1.ProtocolUDP {
			if service.Spec.Type == corev1.ServiceTypeNodePort {
				return port.NodePort
			}
			return port.Port
		}
	}
	return 0
}

// kinds are those of which Envoy Gateway makes objects.
func kinds() []cluster.Ref {
	return []cluster.Ref{
		{APIVersion: "apps/v1", Kind: "Deployment"}, {APIVersion: "apps/v1", Kind: "DaemonSet"}, {APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}, {APIVersion: "v1", Kind: "Service"}, {APIVersion: "v1", Kind: "ConfigMap"},
		{APIVersion: "v1", Kind: "ServiceAccount"}, {APIVersion: "v1", Kind: "Pod"},
	}
}

// Remove waits until the gateway's controller has removed what it made for a Gateway that is gone, and removes
// itself what is left after a minute: a controller that does not run removes nothing. It makes all in its own namespace, or
// in that of the Gateway.
func Remove(ctx context.Context, c *cluster.Client, controllerNamespace, namespace, gateway string, progress func(string)) error {
	progress("waiting until the gateway's data plane is gone")
	var left []cluster.Ref // by the last list that was whole
	known := false
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		now, err := remaining(ctx, c, Selector(namespace, gateway), controllerNamespace, namespace)
		if err != nil {
			return false, err
		}
		left, known = now, true
		return len(now) == 0, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil && known {
		return c.Delete(ctx, left...)
	}
	return cluster.Classify("waiting for the gateway's data plane to go", err)
}

func remaining(ctx context.Context, c *cluster.Client, selector string, namespaces ...string) (left []cluster.Ref, err error) {
	slices.Sort(namespaces)
	for _, namespace := range slices.Compact(namespaces) {
		for _, kind := range kinds() {
			objects, err := c.List(ctx, kind.APIVersion, kind.Kind, namespace, selector)
			if err != nil {
				return nil, err
			}
			for _, object := range objects {
				ref := cluster.RefOf(object)
				ref.Owner = selector
				left = append(left, ref)
			}
		}
	}
	return left, nil
}
