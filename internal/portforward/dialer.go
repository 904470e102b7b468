// Package portforward opens connections to what runs in a cluster, from wherever its API server is reached.
package portforward

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

	"lockstep/internal/cluster"
	"lockstep/internal/dataplane"
	"lockstep/internal/diagnosis"
	"lockstep/internal/failure"
)

// Dialer reaches Services of one cluster. It is safe for concurrent use.
type Dialer struct {
	cluster *cluster.Client
	tunnels tunnels
}

// New makes a dialer for a cluster.
func New(c *cluster.Client) *Dialer { return &Dialer{cluster: c} }

// Retire closes the connections to pods as soon as nothing uses them any more. The dialer still works.
func (d *Dialer) Retire() { d.tunnels.retire() }

// DialFunc opens a connection; it fits [net/http.Transport.DialContext].
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// Service connects to a Service whatever host is asked for; the port asked for is the Service's. From outside the cluster
// the connection goes through the API server to a ready pod of the Service, without a listening port on the worker's
// machine; inside it goes to the Service's own name.
func (d *Dialer) Service(namespace, service string) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, text, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, failure.Final(failure.Internal, "dialling Service %s/%s: %w", namespace, service, err)
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, failure.Final(failure.Internal, "dialling Service %s/%s: %w", namespace, service, err)
		}
		return d.dial(ctx, network, namespace, service, int32(port))
	}
}

// Gateway connects to the HTTPS port of a Gateway's data plane, whatever address is asked for. The data plane's
// Service is in the controller's namespace.
func (d *Dialer) Gateway(namespace, gateway, controllerNamespace string) DialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		service, err := dataplane.Service(ctx, d.cluster.Kube(), controllerNamespace, namespace, gateway)
		if err != nil {
			return nil, cluster.Classify("looking for the data plane of Gateway "+namespace+"/"+gateway, err)
		}
		if service == nil {
			return nil, &failure.Error{Kind: failure.Unavailable, Reason: "NoDataPlane", Doing: "looking for the data plane of Gateway " + namespace + "/" + gateway,
				Cause: errors.New("the controller has made no Service for it in namespace " + controllerNamespace), Retryable: true,
				Next: "look at the Gateway's conditions and at the log of the gateway controller"}
		}
		return d.dial(ctx, network, controllerNamespace, service.Name, 443)
	}
}

func (d *Dialer) dial(ctx context.Context, network, namespace, service string, port int32) (net.Conn, error) {
	if d.cluster.InCluster() {
		host := service + "." + namespace + ".svc"
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	pod, containerPort, err := d.endpoint(ctx, namespace, service, port)
	if err != nil {
		return nil, err
	}
	return d.tunnels.open(ctx, d.cluster.Config(), pod, containerPort)
}

// endpoint picks a ready pod of the Service and the container port behind the Service's port.
func (d *Dialer) endpoint(ctx context.Context, namespace, name string, port int32) (*corev1.Pod, int32, error) {
	doing := fmt.Sprintf("looking for a pod of Service %s/%s", namespace, name)
	service, err := d.cluster.Kube().CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, 0, cluster.Classify(doing, err)
	}
	if len(service.Spec.Selector) == 0 {
		return nil, 0, &failure.Error{Kind: failure.InvalidConfig, Doing: doing, Cause: errors.New("it selects no pods"),
			Next: "port-forwarding needs a Service with a selector; run the worker inside the cluster to use this one"}
	}
	pods, err := d.cluster.Kube().CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(service.Spec.Selector).String()})
	if err != nil {
		return nil, 0, cluster.Classify(doing, err)
	}
	pod := newestReady(pods.Items)
	if pod == nil {
		return nil, 0, &failure.Error{Kind: failure.Unavailable, Reason: "NoReadyPod", Doing: doing, Retryable: true,
			Cause: fmt.Errorf("none of its %d pods is ready", len(pods.Items)),
			Next:  "look at its pods: kubectl -n " + namespace + " get pods -l " + labels.FormatLabels(service.Spec.Selector)}
	}
	target, err := targetPort(service, port, pod)
	return pod, target, err
}

func newestReady(pods []corev1.Pod) *corev1.Pod {
	pods = slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil || !diagnosis.IsReady(&pod) })
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
		return 0, &failure.Error{Kind: failure.NotFound, Doing: doing, Cause: fmt.Errorf("pod %s has no port named %q", pod.Name, p.TargetPort.StrVal),
			Next: "correct the Service's targetPort"}
	}
	return 0, &failure.Error{Kind: failure.NotFound, Doing: doing, Cause: errors.New("the Service has no such TCP port"), Next: "correct the port"}
}
