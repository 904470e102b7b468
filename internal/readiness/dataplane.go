package readiness

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"lockstep/internal/dataplane"
	"lockstep/internal/diagnosis"
)

// dataPlaneLooker looks at what Envoy Gateway made for a Gateway. It is evidence only: what cannot be read is
// left out, and its Unread says so of the load balancer.
type dataPlaneLooker struct {
	kube               kubernetes.Interface
	namespace, gateway string
	in                 string // the namespace of the data plane; "": look in all
	controller         string // the controller's Deployment there; "": not known
	pace               diagnosis.Pace
	last               diagnosis.DataPlane
	lastTime           time.Time
}

// look asks the API server at most every second.
func (l *dataPlaneLooker) look(ctx context.Context, started time.Time) diagnosis.DataPlane {
	if time.Since(l.lastTime) < time.Second {
		return l.last
	}
	l.last, l.lastTime = diagnosis.DataPlane{}, time.Now()
	service, err := dataplane.Service(ctx, l.kube, l.in, l.namespace, l.gateway)
	if service == nil {
		l.last.Unread = err
		return l.last
	}
	l.last.ServiceType = string(service.Spec.Type)
	list, err := l.kube.CoreV1().Events(service.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		l.last.Unread = err
		return l.last
	}
	events := pointers[corev1.Event](list.Items)
	l.last.Working, l.last.Failure = diagnosis.LoadBalancer(service.UID, events)
	l.last.Rollout, l.last.Behind = l.rollout(ctx, service.Namespace, events, started)
	return l.last
}

// port is where the data plane's HTTPS port is reached from outside; 0 if nobody knows.
func (l *dataPlaneLooker) port(ctx context.Context) int32 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service, _ := dataplane.Service(ctx, l.kube, l.in, l.namespace, l.gateway)
	return dataplane.Port(service)
}

func (l *dataPlaneLooker) rollout(ctx context.Context, namespace string, events diagnosis.Events, started time.Time) (rollout diagnosis.Verdict, behind string) {
	deployments, err := l.kube.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: dataplane.Selector(l.namespace, l.gateway)})
	if err != nil || len(deployments.Items) == 0 {
		return diagnosis.Verdict{}, ""
	}
	replicaSets, err := l.kube.AppsV1().ReplicaSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}, ""
	}
	pods, err := l.kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return diagnosis.Verdict{}, ""
	}
	deployment := &deployments.Items[0]
	return diagnosis.Rollout{
		Deployment: deployment, ReplicaSets: pointers[appsv1.ReplicaSet](replicaSets.Items),
		Pods: selected(deployment, pointers(pods.Items)), Events: events, Moment: diagnosis.Moment{Now: time.Now(), Started: started, Pace: l.pace},
	}.Judge(), l.behind(ctx, namespace, deployment)
}

// How long a controller may take to replace what an earlier one made, whose lease of 15 seconds it waits for, or what it made by an earlier
// configuration, which a kubelet brings it within some two minutes. After that the difference is somebody's will.
const (
	replacing     = time.Minute
	reconfiguring = 3 * time.Minute
)

// configMap is where the gateway chart has the controller's configuration.
const configMap = "envoy-gateway-config"

// behind says in what a data plane is not yet what its controller makes.
func (l *dataPlaneLooker) behind(ctx context.Context, namespace string, plane *appsv1.Deployment) string {
	if l.controller == "" {
		return ""
	}
	controller, err := l.kube.AppsV1().Deployments(namespace).Get(ctx, l.controller, metav1.GetOptions{})
	if err != nil || len(controller.Spec.Template.Spec.Containers) == 0 {
		return ""
	}
	since, grace := changed(controller), replacing
	// Envoy Gateway gives every Envoy a shutdown manager from the controller's own image (envoyproxy/gateway,
	// charts/gateway-helm/templates/_helpers.tpl, eg.default-envoy-gateway-config).
	wanted, made := controller.Spec.Template.Spec.Containers[0].Image, imageOf(plane, "shutdown-manager")
	if config, err := l.kube.CoreV1().ConfigMaps(namespace).Get(ctx, configMap, metav1.GetOptions{}); err == nil && (made == wanted || made == "") {
		wanted, made = proxyImage(config), imageOf(plane, "envoy")
		for _, field := range config.ManagedFields {
			if field.Time != nil && field.Time.After(since) {
				since, grace = field.Time.Time, reconfiguring
			}
		}
	}
	if made == "" || wanted == "" || made == wanted || time.Since(since) > grace {
		return ""
	}
	return "Envoy still runs with " + made + ", and the controller has not made it run with " + wanted + " yet"
}

func imageOf(deployment *appsv1.Deployment, container string) string {
	for _, c := range deployment.Spec.Template.Spec.Containers {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// proxyImage is the image that the controller's configuration gives Envoy; "" if it is the controller's to choose.
func proxyImage(config *corev1.ConfigMap) string {
	var told struct {
		EnvoyProxy struct {
			Provider struct {
				Kubernetes struct {
					EnvoyDeployment struct {
						Container struct {
							Image string `json:"image"`
						} `json:"container"`
					} `json:"envoyDeployment"`
				} `json:"kubernetes"`
			} `json:"provider"`
		} `json:"envoyProxy"`
	}
	if yaml.Unmarshal([]byte(config.Data["envoy-gateway.yaml"]), &told) != nil {
		return ""
	}
	return told.EnvoyProxy.Provider.Kubernetes.EnvoyDeployment.Container.Image
}

// changed is when the present pods of a Deployment came.
func changed(deployment *appsv1.Deployment) time.Time {
	for _, condition := range deployment.Status.Conditions {
		if condition.Type == appsv1.DeploymentProgressing {
			return condition.LastUpdateTime.Time
		}
	}
	return time.Now()
}
