package envoy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Names that Envoy Gateway gives or expects.
const (
	DefaultController = "gateway.envoyproxy.io/gatewayclass-controller"

	gatewayGroup = "gateway.networking.k8s.io"

	// classFinalizer keeps a GatewayClass while Gateways use it. Without the controller nobody takes it away.
	classFinalizer = "gateway-exists-finalizer.gateway.networking.k8s.io"

	owningNameLabel      = "gateway.envoyproxy.io/owning-gateway-name"
	owningNamespaceLabel = "gateway.envoyproxy.io/owning-gateway-namespace"
	managedByLabel       = "app.kubernetes.io/managed-by"
	managedBy            = "envoy-gateway"
)

// The parts of the Gateway API's and Envoy Gateway's objects that the simulation reads. The API server has validated
// them, and filled in defaults, by the real CRDs.

type gatewayClass struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ControllerName string         `json:"controllerName"`
		ParametersRef  *parametersRef `json:"parametersRef,omitempty"`
	} `json:"spec"`
	Status classStatus `json:"status"`
}

type classStatus struct {
	Conditions []metav1.Condition `json:"conditions"`
}

type parametersRef struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

type envoyProxy struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Provider struct {
			Kubernetes struct {
				EnvoyService struct {
					Type string `json:"type,omitempty"`
				} `json:"envoyService"`
			} `json:"kubernetes"`
		} `json:"provider"`
	} `json:"spec"`
}

type gateway struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		GatewayClassName string     `json:"gatewayClassName"`
		Listeners        []listener `json:"listeners"`
		Infrastructure   struct {
			ParametersRef *parametersRef `json:"parametersRef,omitempty"`
		} `json:"infrastructure"`
	} `json:"spec"`
	Status gatewayStatus `json:"status"`
}

type listener struct {
	Name     string `json:"name"`
	Hostname string `json:"hostname,omitempty"`
	Port     int32  `json:"port"`
	Protocol string `json:"protocol"`
	TLS      struct {
		Mode            string      `json:"mode,omitempty"`
		CertificateRefs []objectRef `json:"certificateRefs,omitempty"`
	} `json:"tls"`
	AllowedRoutes struct {
		Namespaces struct {
			From string `json:"from,omitempty"`
		} `json:"namespaces"`
	} `json:"allowedRoutes"`
}

type objectRef struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

type gatewayStatus struct {
	Addresses  []gatewayAddress   `json:"addresses"` // null when there is none: a merge then removes it
	Conditions []metav1.Condition `json:"conditions"`
	Listeners  []listenerStatus   `json:"listeners"`
}

type gatewayAddress struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type listenerStatus struct {
	Name           string             `json:"name"`
	SupportedKinds []routeKind        `json:"supportedKinds"`
	AttachedRoutes int32              `json:"attachedRoutes"`
	Conditions     []metav1.Condition `json:"conditions"`
}

type routeKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
}

type httpRoute struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ParentRefs []parentRef `json:"parentRefs"`
		Hostnames  []string    `json:"hostnames,omitempty"`
		Rules      []routeRule `json:"rules"`
	} `json:"spec"`
	Status routeStatus `json:"status"`
}

type parentRef struct {
	Group       string `json:"group,omitempty"`
	Kind        string `json:"kind,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName,omitempty"`
	Port        int32  `json:"port,omitempty"`
}

type routeRule struct {
	Matches []struct {
		Path struct {
			Type  string `json:"type,omitempty"`
			Value string `json:"value,omitempty"`
		} `json:"path"`
	} `json:"matches,omitempty"`
	BackendRefs []backendRef `json:"backendRefs,omitempty"`
}

type backendRef struct {
	objectRef `json:",inline"`
	Port      int32 `json:"port,omitempty"`
}

type routeStatus struct {
	Parents []parentStatus `json:"parents"`
}

type parentStatus struct {
	ParentRef      parentRef          `json:"parentRef"`
	ControllerName string             `json:"controllerName"`
	Conditions     []metav1.Condition `json:"conditions"`
}

// policy is a BackendTLSPolicy or a BackendTrafficPolicy.
type policy struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		TargetRef  *targetRef  `json:"targetRef,omitempty"`
		TargetRefs []targetRef `json:"targetRefs,omitempty"`
		Validation struct {
			Hostname                string      `json:"hostname,omitempty"`
			CACertificateRefs       []objectRef `json:"caCertificateRefs,omitempty"`
			WellKnownCACertificates string      `json:"wellKnownCACertificates,omitempty"`
		} `json:"validation"`
	} `json:"spec"`
	Status policyStatus `json:"status"`
}

type targetRef struct {
	Group       string `json:"group"`
	Kind        string `json:"kind"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName,omitempty"`
}

func (p policy) targets() []targetRef {
	if p.Spec.TargetRef != nil {
		return append([]targetRef{*p.Spec.TargetRef}, p.Spec.TargetRefs...)
	}
	return p.Spec.TargetRefs
}

type policyStatus struct {
	Ancestors []ancestorStatus `json:"ancestors"`
}

type ancestorStatus struct {
	AncestorRef    parentRef          `json:"ancestorRef"`
	ControllerName string             `json:"controllerName"`
	Conditions     []metav1.Condition `json:"conditions"`
}
