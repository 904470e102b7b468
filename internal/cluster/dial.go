package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// DialFunc opens a connection; it fits [net/http.Transport.DialContext].
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial connects to a Service whatever host is asked for; the port asked for is the Service's. From outside the cluster
// the connection goes through the API server to a ready pod of the Service, without a listening port on the worker's
// machine; inside it goes to the Service's own name.
func (c *Client) Dial(namespace, service string) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, text, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("dialling Service %s/%s: %w", namespace, service, err)
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("dialling Service %s/%s: %w", namespace, service, err)
		}
		return c.dialService(ctx, network, namespace, service, int32(port))
	}
}

// Labels that Envoy Gateway puts on what it makes for a Gateway.
const (
	owningGatewayName      = "gateway.envoyproxy.io/owning-gateway-name"
	owningGatewayNamespace = "gateway.envoyproxy.io/owning-gateway-namespace"
)

// DialGateway connects to the HTTPS port of a Gateway's data plane, whatever address is asked for. The data plane's
// Service is in the controller's namespace.
func (c *Client) DialGateway(namespace, gateway, controllerNamespace string) DialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		services, err := c.kube.CoreV1().Services(controllerNamespace).List(ctx, metav1.ListOptions{LabelSelector: owning(namespace, gateway)})
		if err != nil {
			return nil, classify("looking for the data plane of Gateway "+namespace+"/"+gateway, err)
		}
		if len(services.Items) == 0 {
			return nil, &Problem{Reason: "NoDataPlane", Object: "Gateway " + namespace + "/" + gateway, Retryable: true,
				Evidence: "the controller has made no Service for it in namespace " + controllerNamespace,
				NextMove: "look at the Gateway's conditions and at the log of the gateway controller"}
		}
		return c.dialService(ctx, network, controllerNamespace, services.Items[0].Name, 443)
	}
}

func owning(namespace, gateway string) string {
	return labels.Set{owningGatewayName: gateway, owningGatewayNamespace: namespace}.String()
}

func (c *Client) dialService(ctx context.Context, network, namespace, service string, port int32) (net.Conn, error) {
	if c.inCluster {
		host := service + "." + namespace + ".svc"
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	pod, containerPort, err := c.endpoint(ctx, namespace, service, port)
	if err != nil {
		return nil, err
	}
	return c.tunnels.open(ctx, c.config, pod, containerPort)
}

// endpoint picks a ready pod of the Service and the container port behind the Service's port.
func (c *Client) endpoint(ctx context.Context, namespace, name string, port int32) (*corev1.Pod, int32, error) {
	doing := fmt.Sprintf("looking for a pod of Service %s/%s", namespace, name)
	service, err := c.kube.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, 0, classify(doing, err)
	}
	if len(service.Spec.Selector) == 0 {
		return nil, 0, &Error{Kind: Invalid, Doing: doing, Err: errors.New("it selects no pods"),
			Next: "port-forwarding needs a Service with a selector; run the worker inside the cluster to use this one"}
	}
	pods, err := c.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String()})
	if err != nil {
		return nil, 0, classify(doing, err)
	}
	pod := newestReady(pods.Items)
	if pod == nil {
		return nil, 0, &Problem{Reason: "NoReadyPod", Object: "Service " + namespace + "/" + name, Retryable: true,
			Evidence: fmt.Sprintf("none of its %d pods is ready", len(pods.Items)),
			NextMove: "look at its pods: kubectl -n " + namespace + " get pods -l " + labels.FormatLabels(service.Spec.Selector)}
	}
	target, err := targetPort(service, port, pod)
	return pod, target, err
}

func newestReady(pods []corev1.Pod) *corev1.Pod {
	pods = slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil || !isReady(&pod) })
	if len(pods) == 0 {
		return nil
	}
	newest := slices.MaxFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return &newest
}

func targetPort(service *corev1.Service, port int32, pod *corev1.Pod) (int32, error) {
	doing := fmt.Sprintf("dialling port %d of Service %s/%s", port, service.Namespace, service.Name)
	for _, p := range service.Spec.Ports {
		if p.Port != port || p.Protocol != "" && p.Protocol != corev1.ProtocolTCP {
			continue
		}
		if p.TargetPort.Type == intstr.Int {
			return cmp.Or(p.TargetPort.IntVal, port), nil
		}
		for _, container := range pod.Spec.Containers {
			for _, cp := range container.Ports {
				if cp.Name == p.TargetPort.StrVal {
					return cp.ContainerPort, nil
				}
			}
		}
		return 0, &Error{Kind: NotFound, Doing: doing, Err: fmt.Errorf("pod %s has no port named %q", pod.Name, p.TargetPort.StrVal),
			Next: "correct the Service's targetPort"}
	}
	return 0, &Error{Kind: NotFound, Doing: doing, Err: errors.New("the Service has no such TCP port"), Next: "correct the port"}
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
