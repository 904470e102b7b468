package config

import (
	"reflect"
	"slices"
	"strings"
)

// Controller is the Gateway API controller of a cluster: what all environments on it share.
type Controller struct {
	// Install says whether Lockstep installs the gateway chart. Default true. With false, environments use the controller that the cluster has.
	Install *bool `json:"install,omitempty"`
	// Release is the Helm release of the gateway chart. Default "envoy-gateway".
	Release string `json:"release,omitempty"`
	// Namespace is where the gateway chart goes. Default "envoy-gateway-system".
	Namespace string `json:"namespace,omitempty" rule:"label"`
	// Chart is the gateway chart. Default oci://docker.io/envoyproxy/gateway-helm. Without a version of that chart, an installed controller
	// keeps its version, and a new one gets the newest that supports the cluster's Kubernetes version.
	Chart Chart `json:"chart,omitzero"`
	// Values are values of the gateway chart, over Lockstep's own.
	Values Values `json:"values,omitempty"`
	// ValuesFile is a values file beside this file; Values win over it. Loading folds it into Values.
	ValuesFile string `json:"valuesFile,omitempty"`
	// CRDs says what Lockstep does with the CRDs of the gateway chart: "create" (default: create the missing ones), "create-replace"
	// (also replace the existing ones) or "skip" (change none).
	CRDs CRDPolicy `json:"crds,omitempty" choices:"skip,create,create-replace"`
	// GatewayClass is the GatewayClass name. Default "envoy-gateway".
	GatewayClass string `json:"gatewayClass,omitempty" rule:"object"`
	// ControllerName of the GatewayClass. Default "gateway.envoyproxy.io/gatewayclass-controller".
	ControllerName string `json:"controllerName,omitempty"`
	// ServiceType is the type of Envoy's Service: "LoadBalancer" (default), "NodePort" or "ClusterIP". The last two are for
	// clusters without a load balancer.
	ServiceType string `json:"serviceType,omitempty" choices:"LoadBalancer,NodePort,ClusterIP"`
	// ServiceAnnotations are annotations of Envoy's Service, as load balancers of clouds want them.
	ServiceAnnotations map[string]string `json:"serviceAnnotations,omitempty"`
}

// controllerFields are what a file calls the fields of [Controller].
func controllerFields() (names []string) {
	for field := range reflect.TypeFor[Controller]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// Elsewhere says where a field belongs that people write into the routing of an environment, if that is known.
func (Routing) Elsewhere(field string) (message, next string) {
	if !slices.Contains(controllerFields(), field) {
		return "", ""
	}
	return "is the cluster's, which all its environments share", "remove it here; whoever runs the worker writes gateway." + field + " into the cluster's file (docs/clusters.md)"
}

// AsWritten is the environment as its file may say it: without what is the cluster's.
func (e Environment) AsWritten() Environment {
	e.Routing.Controller = Controller{}
	return e
}

// CRDPolicy is what to do with a chart's CRDs.
type CRDPolicy string

// CRD policies.
const (
	CRDsSkip          CRDPolicy = "skip"           // change none
	CRDsCreate        CRDPolicy = "create"         // create the missing ones
	CRDsCreateReplace CRDPolicy = "create-replace" // create the missing, replace the others
)

// Default fills in what is left open.
func (c *Controller) Default() {
	setBool(&c.Install, true)
	set(&c.Release, "envoy-gateway")
	set(&c.Namespace, "envoy-gateway-system")
	if c.Chart.Repository+c.Chart.OCI+c.Chart.Path == "" {
		c.Chart.OCI = DefaultGatewayChart
	}
	set(&c.CRDs, CRDsCreate)
	set(&c.GatewayClass, DefaultGatewayClass)
	set(&c.ControllerName, DefaultController)
	set(&c.ServiceType, "LoadBalancer")
}

// Installs says whether Lockstep installs the gateway chart itself.
func (c Controller) Installs() bool { return c.Install == nil || *c.Install }

// ReplacesCRDs says whether a deployment may replace CRDs that are there.
func (c Controller) ReplacesCRDs() bool { return c.BringsCRDs() && c.CRDs == CRDsCreateReplace }

// BringsCRDs says whether Lockstep brings the CRDs of the gateway chart: the chart's own values may say that somebody else does.
func (c Controller) BringsCRDs() bool {
	return c.Installs() && c.CRDs != CRDsSkip && !c.LeavesCRDs()
}

// LeavesCRDs says whether the gateway chart's own values leave its CRDs to somebody else.
func (c Controller) LeavesCRDs() bool {
	crds, _ := c.Values["crds"].(map[string]any)
	return crds["enabled"] == false
}

// IsEnvoyGateway says whether the controller is Envoy Gateway, which has CRDs of its own: the one that Lockstep installs,
// or one that is known by its name.
func (c Controller) IsEnvoyGateway() bool {
	return c.Installs() || c.ControllerName == "" || c.ControllerName == DefaultController
}
