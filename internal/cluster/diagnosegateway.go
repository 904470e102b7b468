package cluster

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// gatewayView is what the cluster shows of a Gateway at one moment.
type gatewayView struct {
	gateway, class *unstructured.Unstructured // nil: not there
	plane          dataPlane
	watched
}

// dataPlane is what stands behind a Gateway.
type dataPlane struct {
	serviceType string // "" while there is no Service
	working     bool   // a load balancer is being made
	failure     string // a load balancer cannot be made
	unread      error  // why it is not known what is being made
	rollout     verdict
}

// diagnoseGateway judges a Gateway by its conditions, in the order in which they can become true.
func diagnoseGateway(v gatewayView) (verdict, GatewayStatus) {
	if v.gateway == nil {
		return v.absent("Gateway", "the Gateway does not exist yet"), GatewayStatus{}
	}
	if out, ok := v.judgeClass(); !ok {
		return out, GatewayStatus{}
	}
	conditions := conditionsOf(v.gateway.Object, "status", "conditions")
	status := statusOfGateway(v.gateway, conditions)
	accepted := conditions["Accepted"]
	if accepted.Status != metav1.ConditionTrue || accepted.ObservedGeneration < v.gateway.GetGeneration() {
		return v.judgeAccepted(accepted), status
	}
	if problem := v.listenerProblem(); problem != nil {
		return verdict{waiting: "listeners: " + problem.Evidence, problem: problem}, status
	}
	programmed := conditions["Programmed"]
	if programmed.Status == metav1.ConditionTrue && programmed.ObservedGeneration >= v.gateway.GetGeneration() {
		return verdict{done: true}, status
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

func (v gatewayView) absent(object, waiting string) verdict {
	out := verdict{waiting: waiting}
	if v.lasts(v.started, missingGrace) {
		out.problem = &Problem{Reason: "NotFound", Object: object, Evidence: waiting, NextMove: "run deploy again: it makes what is missing"}
	}
	return out
}

// judgeClass: ok once the class is accepted by its controller.
func (v gatewayView) judgeClass() (_ verdict, ok bool) {
	className, _, _ := unstructured.NestedString(v.gateway.Object, "spec", "gatewayClassName")
	if v.class == nil {
		return v.absent("GatewayClass "+className, "the GatewayClass "+className+" does not exist yet"), false
	}
	controller, _, _ := unstructured.NestedString(v.class.Object, "spec", "controllerName")
	accepted := conditionsOf(v.class.Object, "status", "conditions")["Accepted"]
	switch accepted.Status {
	case metav1.ConditionTrue:
		return verdict{}, true
	case metav1.ConditionFalse:
		return v.lasting(accepted, "GatewayClass "+className, "correct the GatewayClass, or name another one in routing.gatewayClass"), false
	}
	out := verdict{waiting: "no controller has taken the GatewayClass " + className + " yet"}
	if v.lasts(v.started, controllerGrace) {
		out.problem = &Problem{Reason: "ControllerNotRunning", Object: "GatewayClass " + className, Retryable: true,
			Evidence: fmt.Sprintf("no controller answers to %q", controller),
			NextMove: "start the gateway controller, or correct routing.controllerName; its log says what it watches"}
	}
	return out, false
}

func (v gatewayView) judgeAccepted(accepted metav1.Condition) verdict {
	if accepted.Status == metav1.ConditionFalse && accepted.ObservedGeneration >= v.gateway.GetGeneration() {
		if problem := v.listenerProblem(); problem != nil { // says more
			return verdict{waiting: "listeners: " + problem.Evidence, problem: problem}
		}
		return v.lasting(accepted, RefOf(v.gateway).String(), "correct what the controller names, in routing of the environment file")
	}
	out := verdict{waiting: "the controller has not seen the Gateway's newest version yet"}
	if v.lasts(v.started, controllerGrace) {
		out.problem = &Problem{Reason: "ControllerNotRunning", Object: RefOf(v.gateway).String(), Retryable: true, Evidence: out.waiting,
			NextMove: "look at the gateway controller's pods and log"}
	}
	return out
}

// lasting makes a condition a problem once it has lasted.
func (v gatewayView) lasting(condition metav1.Condition, object, next string) verdict {
	problem := &Problem{Reason: condition.Reason, Object: object, Evidence: clip(firstLine(condition.Message)), NextMove: next}
	out := verdict{waiting: object + ": " + condition.Reason, pending: problem}
	if v.lasted(condition, invalidGrace) {
		out.problem = problem
	}
	return out
}

func (v gatewayView) lasted(condition metav1.Condition, grace time.Duration) bool {
	return v.lasts(condition.LastTransitionTime.Time, grace)
}

// listenerProblem is the first listener that has been invalid for a while.
func (v gatewayView) listenerProblem() *Problem {
	var listeners []struct {
		Name       string
		Conditions []metav1.Condition
	}
	list, _, _ := unstructured.NestedSlice(v.gateway.Object, "status", "listeners")
	recode(list, &listeners)
	for _, listener := range listeners {
		conditions := byType(listener.Conditions)
		for _, wrong := range []struct {
			typ    string
			status metav1.ConditionStatus
		}{{"ResolvedRefs", metav1.ConditionFalse}, {"Conflicted", metav1.ConditionTrue}, {"Accepted", metav1.ConditionFalse}} {
			condition := conditions[wrong.typ]
			if condition.Status != wrong.status || !v.lasted(condition, invalidGrace) {
				continue
			}
			return &Problem{Reason: condition.Reason, Object: fmt.Sprintf("listener %s of %s", listener.Name, RefOf(v.gateway)),
				Evidence: clip(firstLine(condition.Message)), NextMove: listenerMove(condition.Reason)}
		}
	}
	return nil
}

func listenerMove(reason string) string {
	if reason == "InvalidCertificateRef" {
		return "the TLS Secret of the listeners must exist in the Gateway's namespace and hold a valid pair (certificates.gatewayTLS)"
	}
	if reason == "HostnameConflict" || reason == "ProtocolConflict" {
		return "two listeners of one port have the same hostname or different protocols: make the hostnames in the environment file differ"
	}
	return "correct what the controller names, in hostnames and routing of the environment file"
}

func (v gatewayView) judgeProgrammed(programmed metav1.Condition) verdict {
	object := RefOf(v.gateway).String()
	out := verdict{waiting: strings.TrimSpace("not programmed: " + cmp.Or(programmed.Reason, "no word from the controller yet"))}
	if v.plane.rollout.problem != nil {
		out.problem, out.log = v.plane.rollout.problem, v.plane.rollout.log
		return out
	}
	switch programmed.Reason {
	case "AddressNotAssigned":
		return v.judgeAddress(programmed, out)
	case "NoResources":
		if v.plane.rollout.waiting != "" {
			out.waiting = "Envoy: " + v.plane.rollout.waiting
		}
		out.pending = &Problem{Reason: programmed.Reason, Object: object, Evidence: out.waiting, Retryable: true,
			NextMove: "look at the pods of the Gateway's data plane, in the gateway controller's namespace"}
	case "Invalid":
		return v.lasting(programmed, object, "correct what the controller names, in routing of the environment file")
	}
	return out
}

// judgeAddress tells a load balancer that is slow from one that will never come. Where it cannot see which, it waits.
func (v gatewayView) judgeAddress(programmed metav1.Condition, out verdict) verdict {
	problem := &Problem{Reason: programmed.Reason, Object: RefOf(v.gateway).String(), Evidence: cmp.Or(v.plane.failure, programmed.Message),
		NextMove: "this cluster gives Services of type LoadBalancer no address: install MetalLB or cloud-provider-kind, or set routing.serviceType to NodePort"}
	if v.plane.serviceType != "" && v.plane.serviceType != "LoadBalancer" {
		problem.NextMove = "look at the data plane's Service and at the addresses of the nodes (kubectl get nodes -o wide)"
	}
	out.pending = problem
	out.waiting = "waiting for an external address"
	if v.plane.unread != nil {
		problem.Evidence = joinLines(problem.Evidence, "whether a load balancer is being made cannot be read: "+clip(firstLine(v.plane.unread.Error())))
		problem.NextMove = "look at the data plane's Service, in the gateway controller's namespace, and let the worker's account list Services and Events there; " +
			"if this cluster gives Services of type LoadBalancer no address, install MetalLB or cloud-provider-kind, or set routing.serviceType to NodePort"
		return out
	}
	patience := addressGrace
	if v.plane.failure != "" {
		patience = invalidGrace
	}
	if v.lasted(programmed, patience) && (!v.plane.working || v.plane.failure != "") {
		out.problem = problem
	}
	return out
}
