package cluster

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// GatewayStatus is what a Gateway's controller has made of it.
type GatewayStatus struct {
	// Address is the first address, empty while there is none.
	Address string `json:"address,omitempty"`
	// Addresses are all of them.
	Addresses []string `json:"addresses,omitempty"`
	// Port is where HTTPS is reached at Address: 443, or the node port of a NodePort Service. 0: unknown.
	Port int32 `json:"port,omitempty"`
	// Programmed says that the data plane runs and has an address.
	Programmed bool `json:"programmed"`
	// Reason of the Programmed condition, as AddressNotAssigned.
	Reason string `json:"reason,omitempty"`
}

const gatewayAPI = "gateway.networking.k8s.io/v1"

func gatewayResource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: name}
}

// WaitGateway waits until the Gateway is programmed: its class accepted, its listeners and certificates valid, its data
// plane running with an address. It fails with a *[Problem] when that will not come: reason AddressNotAssigned is a
// cluster without a load balancer, where everything but the address may work; the status is then filled all the same.
func (c *Client) WaitGateway(ctx context.Context, namespace, name string, progress func(string), options ...WaitOption) (GatewayStatus, error) {
	object := "Gateway " + namespace + "/" + name
	if _, err := c.resource(schema.FromAPIVersionAndKind(gatewayAPI, "Gateway"), namespace); err != nil {
		return GatewayStatus{}, classify("waiting for "+object, err)
	}
	gateways := c.watchObjects(gatewayResource("gateways"), namespace, name)
	classes := c.watchObjects(gatewayResource("gatewayclasses"), "", "")
	o := optionsOf(options)
	looker := &dataPlaneLooker{client: c, namespace: namespace, gateway: name, in: o.dataPlane, pace: o.pace}
	started, told := time.Now(), ""
	var last verdict
	var status GatewayStatus
	err := watchUntil(ctx, []cache.SharedIndexInformer{gateways, classes}, func() (bool, error) {
		view := gatewayView{watched: watched{time.Now(), started, o.pace}}
		view.gateway, view.class = gatewayAndClass(gateways, classes)
		if last, status = diagnoseGateway(view); !last.done && status.Reason != "" {
			view.plane = looker.look(ctx, started)
			last, status = diagnoseGateway(view)
		}
		report(progress, &told, last.waiting)
		if last.problem != nil {
			return false, last.problem
		}
		return last.done, nil
	})
	status.Port = looker.port(context.WithoutCancel(ctx))
	return status, c.conclude(ctx, object, err, last, func() string { return "" }, o)
}

func (c *Client) watchObjects(resource schema.GroupVersionResource, namespace, name string) cache.SharedIndexInformer {
	return dynamicinformer.NewFilteredDynamicInformer(c.dynamic, resource, namespace, 0, nil, func(o *metav1.ListOptions) {
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
