package readiness

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"

	"lockstep/internal/cluster"
	"lockstep/internal/diagnosis"
)

// Gateway waits until the Gateway is programmed: its class accepted, its listeners and certificates valid, its data
// plane running with an address, as the controller that runs now makes it. It fails with a [failure.NotReady] when that will not come: reason AddressNotAssigned is a
// cluster without a load balancer, where everything but the address may work; the status is then filled all the same.
func Gateway(ctx context.Context, c *cluster.Client, namespace, name string, progress func(string), options ...Option) (diagnosis.GatewayStatus, error) {
	w := begin(c, "Gateway "+namespace+"/"+name, progress, options)
	if err := w.served("Gateway"); err != nil {
		return diagnosis.GatewayStatus{}, err
	}
	gateways, classes := w.watch("gateways", namespace, name), w.watch("gatewayclasses", "", "")
	looker := &dataPlaneLooker{kube: c.Kube(), namespace: namespace, gateway: name, in: w.dataPlane, controller: w.controller, pace: w.pace}
	var status diagnosis.GatewayStatus
	err := w.until(ctx, []cache.SharedIndexInformer{gateways, classes}, func(at diagnosis.Moment) (verdict diagnosis.Verdict) {
		view := diagnosis.Gateway{Moment: at}
		view.Gateway, view.Class = gatewayAndClass(gateways, classes)
		if verdict, status = view.Judge(); verdict.Done || status.Reason != "" {
			view.Plane = looker.look(ctx, w.started)
			verdict, status = view.Judge()
		}
		return verdict
	})
	status.Port = looker.port(context.WithoutCancel(ctx))
	return status, w.conclude(ctx, err, nothing)
}

var gatewayAPI = schema.GroupVersion{Group: "gateway.networking.k8s.io", Version: "v1"}

// served says so if the cluster does not serve a kind of the Gateway API: a watch of it would wait for ever.
func (w *wait) served(kind string) error {
	_, err := w.client.Resource(gatewayAPI.WithKind(kind), "")
	return cluster.Classify("waiting for "+w.object, err)
}

// watch watches objects of the Gateway API; without a name, all of them.
func (w *wait) watch(resource, namespace, name string) cache.SharedIndexInformer {
	return dynamicinformer.NewFilteredDynamicInformer(w.client.Dynamic(), gatewayAPI.WithResource(resource), namespace, 0, nil, func(o *metav1.ListOptions) {
		if name != "" {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		}
	}).Informer()
}

func gatewayAndClass(gateways, classes cache.SharedIndexInformer) (gateway, class *unstructured.Unstructured) {
	found := stored[*unstructured.Unstructured](gateways)
	if len(found) == 0 {
		return nil, nil
	}
	gateway = found[0]
	name, _, _ := unstructured.NestedString(gateway.Object, "spec", "gatewayClassName")
	for _, candidate := range stored[*unstructured.Unstructured](classes) {
		if candidate.GetName() == name {
			return gateway, candidate
		}
	}
	return gateway, nil
}
