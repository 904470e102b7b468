package diagnosis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"lockstep/internal/cluster"
)

// Gateway is what the cluster shows of a Gateway at one moment.
type Gateway struct {
	Gateway, Class *unstructured.Unstructured // nil: not there
	Plane          DataPlane
	Moment
}

// DataPlane is what stands behind a Gateway.
type DataPlane struct {
	ServiceType string // "" while there is no Service
	Working     bool   // a load balancer is being made
	Failure     string // a load balancer cannot be made
	Unread      error  // why it is not known what is being made
	Rollout     Verdict
	Behind      string // in what it is not yet what the controller that runs now makes
}

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

// Judge judges a Gateway by its conditions, in the order in which they can become true.
func (v Gateway) Judge() (Verdict, GatewayStatus) {
	if v.Gateway == nil {
		return v.absent("Gateway", "the Gateway does not exist yet"), GatewayStatus{}
	}
	if out, ok := v.judgeClass(); !ok {
		return out, GatewayStatus{}
	}
	conditions := conditionsOf(v.Gateway.Object, "status", "conditions")
	status := statusOfGateway(v.Gateway, conditions)
	accepted := conditions["Accepted"]
	if accepted.Status != metav1.ConditionTrue || accepted.ObservedGeneration < v.Gateway.GetGeneration() {
		return v.judgeAccepted(accepted), status
	}
	if out, refused := v.refused(); refused {
		return out, status
	}
	programmed := conditions["Programmed"]
	if programmed.Status == metav1.ConditionTrue && programmed.ObservedGeneration >= v.Gateway.GetGeneration() {
		if out := v.judgeListeners(); !out.Done {
			return out, status
		}
		return v.judgePlane(), status
	}
	return v.judgeProgrammed(programmed), status
}

func statusOfGateway(gateway *unstructured.Unstructured, conditions map[string]metav1.Condition) GatewayStatus {
	programmed := conditions["Programmed"]
	status := GatewayStatus{Programmed: programmed.Status == metav1.ConditionTrue, Reason: programmed.Reason}
	var addresses []struct{ Value string }
	list, _, _ := unstructured.NestedSlice(gateway.Object, "status", "addresses")
	recode(list, &addresses)
	for _, address := range addresses {
		status.Addresses = append(status.Addresses, address.Value)
	}
	if len(status.Addresses) > 0 {
		status.Address = status.Addresses[0]
	}
	return status
}

func (v Gateway) absent(object, waiting string) Verdict {
	out := Verdict{Waiting: waiting}
	if v.lasts(v.Started, missingGrace) {
		out.Problem = &Problem{Reason: "NotFound", Object: object, Evidence: waiting, NextMove: "run `lockstep deploy` again: it creates what is missing"}
	}
	return out
}

// judgeClass: ok once the class is accepted by its controller.
func (v Gateway) judgeClass() (_ Verdict, ok bool) {
	className, _, _ := unstructured.NestedString(v.Gateway.Object, "spec", "gatewayClassName")
	if v.Class == nil {
		return v.absent("GatewayClass "+className, "the GatewayClass "+className+" does not exist yet"), false
	}
	controller, _, _ := unstructured.NestedString(v.Class.Object, "spec", "controllerName")
	accepted := conditionsOf(v.Class.Object, "status", "conditions")["Accepted"]
	switch accepted.Status {
	case metav1.ConditionTrue:
		return Verdict{}, true
	case metav1.ConditionFalse:
		return v.lasting(accepted, "GatewayClass "+className, "correct the GatewayClass, or name another one in the cluster's file, gateway.gatewayClass"), false
	}
	out := Verdict{Waiting: "no controller has accepted the GatewayClass " + className + " yet"}
	if v.lasts(v.Started, controllerGrace) {
		out.Problem = &Problem{Reason: "ControllerNotRunning", Object: "GatewayClass " + className, Retryable: true,
			Evidence: fmt.Sprintf("no controller answers to %q", controller),
			NextMove: "start the gateway controller, or correct gateway.controllerName in the cluster's file; its log says what it watches"}
	}
	return out, false
}

func (v Gateway) judgeAccepted(accepted metav1.Condition) Verdict {
	if accepted.Status == metav1.ConditionFalse && accepted.ObservedGeneration >= v.Gateway.GetGeneration() {
		if out, refused := v.refused(); refused { // says more
			return out
		}
		return v.lasting(accepted, cluster.RefOf(v.Gateway).String(), "correct what the controller names: the fields below gateway in the cluster's file")
	}
	out := Verdict{Waiting: "the controller has not seen the Gateway's newest version yet"}
	if v.lasts(v.Started, controllerGrace) {
		out.Problem = &Problem{Reason: "ControllerNotRunning", Object: cluster.RefOf(v.Gateway).String(), Retryable: true, Evidence: out.Waiting,
			NextMove: "look at the gateway controller's pods and log"}
	}
	return out
}

// lasting makes a condition a problem once it has lasted.
func (v Gateway) lasting(condition metav1.Condition, object, next string) Verdict {
	problem := &Problem{Reason: condition.Reason, Object: object, Evidence: firstLine(condition.Message), NextMove: next}
	out := Verdict{Waiting: object + ": " + condition.Reason, Pending: problem}
	if v.lasted(condition, invalidGrace) {
		out.Problem = problem
	}
	return out
}

func (v Gateway) lasted(condition metav1.Condition, grace time.Duration) bool {
	return v.lasts(condition.LastTransitionTime.Time, grace)
}

// listener is one of a Gateway, as it is wanted and as its controller says that it is.
type listener struct {
	Name string
	TLS  struct {
		CertificateRefs []struct{ Name string }
	}
	conditions map[string]metav1.Condition
}

// judgePlane looks at what stands behind a Gateway that is programmed. That it is says nothing of a change that goes on: an earlier pod serves
// until the new controller has made another, and while that one cannot start.
func (v Gateway) judgePlane() Verdict {
	rollout := v.Plane.Rollout
	switch {
	case v.Plane.Behind != "": // even if it does not start: it is to be replaced
		return Verdict{Waiting: v.Plane.Behind, Pending: &Problem{Reason: "DataPlaneNotReplaced", Object: cluster.RefOf(v.Gateway).String(), Evidence: v.Plane.Behind,
			Retryable: true, NextMove: "look at the log of the gateway controller, which makes the data plane"}}
	case rollout.Problem != nil:
		return rollout
	case !rollout.Done && rollout.Waiting != "":
		rollout.Waiting = "Envoy: " + rollout.Waiting
		return rollout
	}
	return Verdict{Done: true}
}

// soundness is a condition of a listener that works.
type soundness struct {
	typ    string
	status metav1.ConditionStatus
}

var sound = []soundness{
	{"ResolvedRefs", metav1.ConditionTrue}, {"Conflicted", metav1.ConditionFalse}, {"Accepted", metav1.ConditionTrue}, {"Programmed", metav1.ConditionTrue},
}

// judgeListeners looks at what the controller says of each listener in its newest version. The Gateway itself says nothing of them: it stays
// programmed while none of them has a certificate.
func (v Gateway) judgeListeners() Verdict {
	for _, l := range v.listeners() {
		if out, wrong := v.wrong(l, sound); wrong {
			return out
		}
		if waiting := l.untold(v.Gateway.GetGeneration()); waiting != "" {
			return Verdict{Waiting: "listener " + l.Name + ": " + waiting}
		}
	}
	return Verdict{Done: true}
}

// refused is the first listener that its controller refuses, which says more than the Gateway's own conditions.
func (v Gateway) refused() (Verdict, bool) {
	for _, l := range v.listeners() {
		if out, wrong := v.wrong(l, sound[:3]); wrong { // it is not programmed while its Gateway is not
			return out, true
		}
	}
	return Verdict{}, false
}

// wrong is the first of the conditions that is not as it should be, in the listener's newest version.
func (v Gateway) wrong(l listener, conditions []soundness) (Verdict, bool) {
	for _, wanted := range conditions {
		condition, told := l.conditions[wanted.typ]
		if !told || condition.Status == wanted.status || condition.ObservedGeneration < v.Gateway.GetGeneration() {
			continue
		}
		problem := &Problem{Reason: condition.Reason, Object: fmt.Sprintf("listener %s of %s", l.Name, cluster.RefOf(v.Gateway)),
			Evidence: firstLine(condition.Message), NextMove: l.move(condition.Reason)}
		out := Verdict{Waiting: "listeners: " + problem.Evidence, Pending: problem}
		if condition.Reason != "Pending" && v.lasted(condition, invalidGrace) {
			out.Problem = problem
		}
		return out, true
	}
	return Verdict{}, false
}

// untold is what the controller has not yet said of a listener in that version of its Gateway. That there is no conflict it need not say.
func (l listener) untold(generation int64) string {
	for _, wanted := range sound {
		condition, told := l.conditions[wanted.typ]
		switch {
		case !told && wanted.typ != "Conflicted":
			return "the controller does not report on " + wanted.typ + " yet"
		case told && condition.ObservedGeneration < generation:
			return "the controller has not seen its newest version yet"
		}
	}
	return ""
}

func (v Gateway) listeners() []listener {
	var all []listener
	list, _, _ := unstructured.NestedSlice(v.Gateway.Object, "spec", "listeners")
	recode(list, &all)
	var statuses []struct {
		Name       string
		Conditions []metav1.Condition
	}
	list, _, _ = unstructured.NestedSlice(v.Gateway.Object, "status", "listeners")
	recode(list, &statuses)
	for i := range all {
		for _, status := range statuses {
			if status.Name == all[i].Name {
				all[i].conditions = byType(status.Conditions)
			}
		}
	}
	return all
}

func (l listener) move(reason string) string {
	switch reason {
	case "InvalidCertificateRef":
		secret := "of the listeners"
		if len(l.TLS.CertificateRefs) > 0 {
			secret = l.TLS.CertificateRefs[0].Name
		}
		return fmt.Sprintf("Secret %s must be in the Gateway's namespace, with a tls.crt and tls.key that the gateway takes: put a good pair there, or name another Secret in "+
			"certificates.gatewayTLS; `lockstep drift` says what is wrong with it", secret)
	case "HostnameConflict", "ProtocolConflict":
		return "two listeners of one port have the same hostname or different protocols: make the hostnames in the environment file differ"
	}
	return "correct what the controller names: hostnames in the environment file, or the fields below gateway in the cluster's file"
}

func (v Gateway) judgeProgrammed(programmed metav1.Condition) Verdict {
	object := cluster.RefOf(v.Gateway).String()
	out := Verdict{Waiting: strings.TrimSpace("not programmed: " + cmp.Or(programmed.Reason, "the controller has not reported yet"))}
	if v.Plane.Rollout.Problem != nil {
		out.Problem, out.Log = v.Plane.Rollout.Problem, v.Plane.Rollout.Log
		return out
	}
	switch programmed.Reason {
	case "AddressNotAssigned":
		return v.judgeAddress(programmed, out)
	case "NoResources":
		if v.Plane.Rollout.Waiting != "" {
			out.Waiting = "Envoy: " + v.Plane.Rollout.Waiting
		}
		out.Pending = &Problem{Reason: programmed.Reason, Object: object, Evidence: out.Waiting, Retryable: true,
			NextMove: "look at the pods of the Gateway's data plane, in the gateway controller's namespace"}
	case "Invalid":
		return v.lasting(programmed, object, "correct what the controller names: the fields below gateway in the cluster's file")
	}
	return out
}

// judgeAddress tells a load balancer that is slow from one that will never come. Where it cannot see which, it waits.
func (v Gateway) judgeAddress(programmed metav1.Condition, out Verdict) Verdict {
	problem := &Problem{Reason: programmed.Reason, Object: cluster.RefOf(v.Gateway).String(), Evidence: cmp.Or(v.Plane.Failure, programmed.Message),
		NextMove: "this cluster gives Services of type LoadBalancer no address: install MetalLB or cloud-provider-kind, or set gateway.serviceType in the cluster's file to NodePort"}
	if v.Plane.ServiceType != "" && v.Plane.ServiceType != "LoadBalancer" {
		problem.NextMove = "look at the data plane's Service and at the addresses of the nodes (kubectl get nodes -o wide)"
	}
	out.Pending = problem
	out.Waiting = "waiting for an external address"
	if v.Plane.Unread != nil {
		problem.Evidence = joinLines(problem.Evidence, "Lockstep cannot read whether a load balancer is being made: "+firstLine(v.Plane.Unread.Error()))
		problem.NextMove = "look at the data plane's Service, in the gateway controller's namespace, and let the worker's account list Services and Events there; " +
			"if this cluster gives Services of type LoadBalancer no address, install MetalLB or cloud-provider-kind, or set gateway.serviceType in the cluster's file to NodePort"
		return out
	}
	grace := addressGrace
	if v.Plane.Failure != "" {
		grace = invalidGrace
	}
	if v.lasted(programmed, grace) && (!v.Plane.Working || v.Plane.Failure != "") {
		out.Problem = problem
	}
	return out
}

// LoadBalancer says what happened to the load balancer of a Service, by the events of the cloud's service controller and of MetalLB:
// that it is being made, and why it cannot be made.
func LoadBalancer(service types.UID, all Events) (working bool, failure string) {
	own := all.of(service)
	if failed := own.last("SyncLoadBalancerFailed", "AllocationFailed", "EnsuringLoadBalancer", "EnsuredLoadBalancer"); failed != nil && failed.Type == corev1.EventTypeWarning {
		failure = firstLine(failed.Message)
	}
	return own.last("EnsuringLoadBalancer", "UpdatedLoadBalancer", "IPAllocated", "nodeAssigned") != nil, failure
}

// conditionsOf reads a list of conditions, by type.
func conditionsOf(obj map[string]any, path ...string) map[string]metav1.Condition {
	list, _, _ := unstructured.NestedSlice(obj, path...)
	var conditions []metav1.Condition
	recode(list, &conditions)
	return byType(conditions)
}

func byType(conditions []metav1.Condition) map[string]metav1.Condition {
	found := make(map[string]metav1.Condition, len(conditions))
	for _, condition := range conditions {
		found[condition.Type] = condition
	}
	return found
}

// recode reads loosely typed JSON into a type; what does not fit is left out.
func recode(from, into any) {
	if text, err := json.Marshal(from); err == nil {
		_ = json.Unmarshal(text, into)
	}
}
