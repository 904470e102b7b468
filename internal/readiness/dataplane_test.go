package readiness

import (
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"lockstep/internal/diagnosis"
)

// lookIn looks at a data plane in namespace gateways as an account that may list the resource nowhere but there, and with
// hidden not there either.
func lookIn(t *testing.T, namespace, resource string, hidden bool) (diagnosis.DataPlane, int32) {
	t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "gateways", Name: "envoy", UID: "u", Labels: map[string]string{"gateway.envoyproxy.io/owning-gateway-name": "gw", "gateway.envoyproxy.io/owning-gateway-namespace": "apim"}},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 443}}},
	}
	making := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "gateways", Name: "e"}, Reason: "EnsuringLoadBalancer", InvolvedObject: corev1.ObjectReference{UID: "u"}}
	kube := fake.NewClientset(service, making)
	kube.PrependReactor("list", resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetNamespace() == "gateways" && !hidden {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
	})
	looker := &dataPlaneLooker{kube: kube, namespace: "apim", gateway: "gw", in: namespace}
	return looker.look(t.Context(), now), looker.port(t.Context())
}

func TestTheDataPlaneIsReadWithTheRightsOfItsNamespace(t *testing.T) {
	got, port := lookIn(t, "gateways", "services", false)
	if got.Unread != nil || !got.Working || got.ServiceType != "LoadBalancer" || port != 443 {
		t.Errorf("port %d, %+v", port, got)
	}
}

func TestALoadBalancerThatCannotBeSeenIsNotTakenForNone(t *testing.T) {
	for name, look := range map[string]func() (diagnosis.DataPlane, int32){
		"Services of all namespaces": func() (diagnosis.DataPlane, int32) { return lookIn(t, "", "services", false) },
		"Services":                   func() (diagnosis.DataPlane, int32) { return lookIn(t, "gateways", "services", true) },
		"Events":                     func() (diagnosis.DataPlane, int32) { return lookIn(t, "gateways", "events", true) },
	} {
		plane, _ := look()
		if !apierrors.IsForbidden(plane.Unread) {
			t.Errorf("%s: got %+v", name, plane)
		}
	}
}

func TestADataPlaneIsTheControllersThatMadeIt(t *testing.T) {
	deployment := func(name, container, image string, at time.Time) *appsv1.Deployment {
		d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "gateways", Name: name}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: container, Image: image}}
		d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, LastUpdateTime: metav1.NewTime(at)}}
		return d
	}
	configured := func(image string, at time.Time) *corev1.ConfigMap {
		written := metav1.NewTime(at)
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "gateways", Name: "envoy-gateway-config", ManagedFields: []metav1.ManagedFieldsEntry{{Time: &written}}},
			Data: map[string]string{"envoy-gateway.yaml": "envoyProxy: {provider: {kubernetes: {envoyDeployment: {container: {image: '" + image + "'}}}}}"}}
	}
	for _, test := range []struct {
		name, controller, container, image string
		ready                              time.Duration // for how long the controller has been
		behind                             bool
		config                             *corev1.ConfigMap
	}{
		{name: "with the image of an earlier configuration", controller: "gateway:v2", container: "envoy", image: "envoy:v1", ready: time.Hour, behind: true, config: configured("envoy:v2", time.Now())},
		{name: "with the image of the configuration", controller: "gateway:v2", container: "envoy", image: "envoy:v2", config: configured("envoy:v2", time.Now())},
		{name: "with an image that the configuration leaves to the controller", controller: "gateway:v2", container: "envoy", image: "envoy:v2", config: configured("", time.Now())},
		{name: "with another image for long", controller: "gateway:v2", container: "envoy", image: "mine:v2", ready: time.Hour, config: configured("envoy:v2", time.Now().Add(-time.Hour))},
		{"made by this controller", "gateway:v2", "shutdown-manager", "gateway:v2", time.Second, false, nil},
		{"made by an earlier one", "gateway:v2", "shutdown-manager", "gateway:v1", time.Second, true, nil},
		{"with an image of somebody's own", "gateway:v2", "shutdown-manager", "mine:v1", 2 * time.Minute, false, nil},
		{"without a shutdown manager", "gateway:v2", "envoy", "envoy:v1", time.Second, false, nil},
	} {
		plane := deployment("envoy", test.container, test.image, time.Now())
		kube := fake.NewClientset(deployment("controller", "envoy-gateway", test.controller, time.Now().Add(-test.ready)))
		if test.config != nil {
			if err := kube.Tracker().Add(test.config); err != nil {
				t.Fatal(err)
			}
		}
		looker := dataPlaneLooker{controller: "controller", kube: kube}
		if got := looker.behind(t.Context(), "gateways", plane); (got != "") != test.behind {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
