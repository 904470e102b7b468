package diagnosis

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func condition(typ string, ok bool, reason string, since time.Duration) any {
	status := "False"
	if ok {
		status = "True"
	}
	return map[string]any{"type": typ, "status": status, "reason": reason, "message": "because of " + reason,
		"observedGeneration": int64(1), "lastTransitionTime": ago(since).UTC().Format(time.RFC3339)}
}

func object(kind, name string, spec, status map[string]any) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "spec": spec, "status": status}}
	obj.SetName(name)
	obj.SetNamespace("apim")
	obj.SetGeneration(1)
	return obj
}

func TestAGatewayIsJudgedByItsConditions(t *testing.T) {
	class := func(conditions ...any) *unstructured.Unstructured {
		return object("GatewayClass", "envoy-gateway", map[string]any{"controllerName": "example.com/c"}, map[string]any{"conditions": conditions})
	}
	accepted := class(condition("Accepted", true, "Accepted", time.Minute))
	spec := map[string]any{"gatewayClassName": "envoy-gateway", "listeners": []any{map[string]any{"name": "gateway-https",
		"tls": map[string]any{"certificateRefs": []any{map[string]any{"name": "my-tls"}}}}}}
	gw := func(status map[string]any) *unstructured.Unstructured { return object("Gateway", "gw", spec, status) }
	listening := func(conditions ...any) map[string]any {
		return map[string]any{"conditions": []any{condition("Accepted", true, "Accepted", time.Minute), condition("Programmed", true, "Programmed", time.Minute)},
			"listeners": []any{map[string]any{"name": "gateway-https", "conditions": conditions}}}
	}
	fine := []any{condition("Accepted", true, "Accepted", time.Minute), condition("Programmed", true, "Programmed", time.Minute), condition("ResolvedRefs", true, "ResolvedRefs", time.Minute)}
	with := func(conditions ...any) *unstructured.Unstructured {
		return gw(map[string]any{"conditions": conditions})
	}
	yes := condition("Accepted", true, "Accepted", time.Minute)
	noAddress := func(since time.Duration) *unstructured.Unstructured {
		return with(yes, condition("Programmed", false, "AddressNotAssigned", since))
	}
	badListener := func(since time.Duration) *unstructured.Unstructured {
		return gw(map[string]any{"conditions": []any{yes, condition("Programmed", false, "Invalid", since)}, "listeners": []any{
			map[string]any{"name": "gateway-https", "conditions": []any{condition("ResolvedRefs", false, "InvalidCertificateRef", since)}}}})
	}
	for _, test := range []struct {
		name   string
		view   Gateway
		done   bool
		reason string // of the problem; "" for none
		next   string
	}{
		{name: "programmed", view: Gateway{Gateway: gw(listening(fine...)), Class: accepted}, done: true},
		{name: "programmed, by an Envoy that is to be replaced", view: Gateway{Gateway: gw(listening(fine...)), Class: accepted, Plane: DataPlane{Behind: "Envoy is still"}}},
		{name: "programmed, by an Envoy that does not start and is to be replaced", view: Gateway{Gateway: gw(listening(fine...)), Class: accepted,
			Plane: DataPlane{Behind: "Envoy is still", Rollout: Verdict{Problem: &Problem{Reason: "ErrImagePull"}}}}},
		{name: "programmed, by an Envoy whose replacement starts", view: Gateway{Gateway: gw(listening(fine...)), Class: accepted, Plane: DataPlane{Rollout: Verdict{Waiting: "1/2 pods"}}}},
		{name: "programmed, by an Envoy whose replacement has no image", view: Gateway{Gateway: gw(listening(fine...)), Class: accepted,
			Plane: DataPlane{Rollout: Verdict{Waiting: "1/2 pods", Problem: &Problem{Reason: "ErrImagePull"}}}}, reason: "ErrImagePull"},
		{name: "programmed, and no word of its listener", view: Gateway{Gateway: with(yes, condition("Programmed", true, "Programmed", 0)), Class: accepted}},
		{name: "programmed, and a certificate that is refused just now", view: Gateway{Class: accepted,
			Gateway: gw(listening(fine[0], condition("Programmed", false, "Invalid", time.Second), condition("ResolvedRefs", false, "InvalidCertificateRef", time.Second)))}},
		{name: "programmed, and a certificate that is refused", view: Gateway{Class: accepted,
			Gateway: gw(listening(fine[0], condition("Programmed", false, "Invalid", time.Minute), condition("ResolvedRefs", false, "InvalidCertificateRef", time.Minute)))},
			reason: "InvalidCertificateRef", next: "Secret my-tls"},
		{name: "programmed, and a listener that is not", view: Gateway{Class: accepted,
			Gateway: gw(listening(fine[0], condition("Programmed", false, "Invalid", time.Minute), fine[2]))}, reason: "Invalid"},
		{name: "no Gateway", view: Gateway{Class: accepted}, reason: "NotFound"},
		{name: "no class", view: Gateway{Gateway: with()}, reason: "NotFound"},
		{name: "class refused", view: Gateway{Gateway: with(), Class: class(condition("Accepted", false, "InvalidParameters", time.Minute))}, reason: "InvalidParameters", next: "gateway.gatewayClass"},
		{name: "no controller", view: Gateway{Gateway: with(), Class: class()}, reason: "ControllerNotRunning", next: "gateway.controllerName"},
		{name: "Gateway not seen", view: Gateway{Gateway: with(), Class: accepted}, reason: "ControllerNotRunning", next: "log"},
		{name: "no load balancer", view: Gateway{Gateway: noAddress(time.Minute), Class: accepted, Plane: DataPlane{ServiceType: "LoadBalancer"}}, reason: "AddressNotAssigned", next: "NodePort"},
		{name: "no address for a moment", view: Gateway{Gateway: noAddress(10 * time.Second), Class: accepted}},
		{name: "a load balancer is being made", view: Gateway{Gateway: noAddress(time.Minute), Class: accepted, Plane: DataPlane{ServiceType: "LoadBalancer", Working: true}}},
		{name: "a load balancer cannot be made", view: Gateway{Gateway: noAddress(15 * time.Second), Class: accepted, Plane: DataPlane{Working: true, Failure: "quota"}}, reason: "AddressNotAssigned"},
		{name: "nobody may see whether a load balancer is being made", view: Gateway{Gateway: noAddress(time.Minute), Class: accepted, Plane: DataPlane{Unread: errors.New("forbidden")}}},
		{name: "nodes without addresses", view: Gateway{Gateway: noAddress(time.Minute), Class: accepted, Plane: DataPlane{ServiceType: "NodePort"}}, reason: "AddressNotAssigned", next: "nodes"},
		{name: "no certificate", view: Gateway{Gateway: badListener(15 * time.Second), Class: accepted}, reason: "InvalidCertificateRef", next: "certificates.gatewayTLS"},
		{name: "no certificate for a moment", view: Gateway{Gateway: badListener(time.Second), Class: accepted}},
		{name: "Gateway refused", view: Gateway{Gateway: with(condition("Accepted", false, "ListenersNotValid", time.Minute)), Class: accepted}, reason: "ListenersNotValid"},
		{name: "Envoy starts", view: Gateway{Gateway: with(yes, condition("Programmed", false, "NoResources", time.Minute)), Class: accepted, Plane: DataPlane{Rollout: Verdict{Waiting: "0/1 pods ready"}}}},
		{name: "Envoy cannot start", view: Gateway{Gateway: noAddress(time.Second), Class: accepted, Plane: DataPlane{Rollout: Verdict{Problem: &Problem{Reason: "ErrImagePull"}}}}, reason: "ErrImagePull"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.view.Now, test.view.Started = now, now.Add(-2*time.Minute)
			got, _ := test.view.Judge()
			switch {
			case got.Done != test.done:
				t.Errorf("done: %v", got.Done)
			case got.Problem == nil && test.reason != "":
				t.Errorf("no problem, waiting %q", got.Waiting)
			case got.Problem != nil && (got.Problem.Reason != test.reason || !strings.Contains(got.Problem.NextMove, test.next)):
				t.Errorf("got %+v", got.Problem)
			case !got.Done && got.Waiting == "":
				t.Error("it does not say what it waits for")
			}
		})
	}
}

func TestAGatewaysStatusHasItsAddresses(t *testing.T) {
	gateway := object("Gateway", "gw", nil, map[string]any{"addresses": []any{map[string]any{"value": "10.0.0.1"}, map[string]any{"value": "10.0.0.2"}}})
	got := statusOfGateway(gateway, map[string]metav1.Condition{"Programmed": {Status: metav1.ConditionTrue, Reason: "Programmed"}})
	want := GatewayStatus{Address: "10.0.0.1", Addresses: []string{"10.0.0.1", "10.0.0.2"}, Programmed: true, Reason: "Programmed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRoutesAreJudgedByEveryParent(t *testing.T) {
	route := func(conditions ...any) *unstructured.Unstructured {
		status := map[string]any{}
		if len(conditions) > 0 {
			status["parents"] = []any{map[string]any{"conditions": conditions}}
		}
		return object("HTTPRoute", "is", map[string]any{
			"parentRefs": []any{map[string]any{"name": "gw"}},
			"rules":      []any{map[string]any{"backendRefs": []any{map[string]any{"name": "is"}}}},
		}, status)
	}
	policy := func(target string, conditions ...any) *unstructured.Unstructured {
		status := map[string]any{}
		if len(conditions) > 0 {
			status["ancestors"] = []any{map[string]any{"conditions": conditions}}
		}
		return object("BackendTLSPolicy", "p", map[string]any{"targetRefs": []any{map[string]any{"kind": "Service", "name": target}}}, status)
	}
	accepted, resolved := condition("Accepted", true, "Accepted", time.Minute), condition("ResolvedRefs", true, "ResolvedRefs", time.Minute)
	good := route(accepted, resolved)
	for _, test := range []struct {
		name     string
		routes   []*unstructured.Unstructured
		policies []*unstructured.Unstructured
		done     bool
		reason   string
		waiting  string
	}{
		{name: "accepted", routes: []*unstructured.Unstructured{good}, policies: []*unstructured.Unstructured{policy("is", accepted)}, done: true},
		{name: "no policy", routes: []*unstructured.Unstructured{good}, done: true},
		{name: "another Service's policy", routes: []*unstructured.Unstructured{good}, policies: []*unstructured.Unstructured{policy("other")}, done: true},
		{name: "not attached", routes: []*unstructured.Unstructured{route()}, waiting: "not attached"},
		{name: "policy not attached", routes: []*unstructured.Unstructured{good}, policies: []*unstructured.Unstructured{policy("is")}, waiting: "BackendTLSPolicy apim/p is not attached"},
		{name: "policy refused", routes: []*unstructured.Unstructured{good}, policies: []*unstructured.Unstructured{policy("is", condition("Accepted", false, "Invalid", time.Minute))}, reason: "Invalid"},
		{name: "backend missing for a moment", routes: []*unstructured.Unstructured{route(accepted, condition("ResolvedRefs", false, "BackendNotFound", time.Second))}, waiting: "BackendNotFound"},
		{name: "backend missing", routes: []*unstructured.Unstructured{route(accepted, condition("ResolvedRefs", false, "BackendNotFound", time.Minute))}, reason: "BackendNotFound"},
		{name: "half known", routes: []*unstructured.Unstructured{route(accepted)}, waiting: "ResolvedRefs is not known"},
		{name: "not there", reason: "NotFound"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := (Routes{Names: []string{"is"}, Routes: test.routes, Policies: test.policies, Moment: Moment{Now: now, Started: now.Add(-2 * time.Minute)}}).Judge()
			reason := ""
			if got.Problem != nil {
				reason = got.Problem.Reason
			}
			if got.Done != test.done || reason != test.reason || !strings.Contains(got.Waiting, test.waiting) {
				t.Errorf("done %v, problem %v, waiting %q", got.Done, got.Problem, got.Waiting)
			}
		})
	}
}

func TestALoadBalancerThatCannotBeSeenIsNotTakenForNone(t *testing.T) {
	view := Gateway{Gateway: object("Gateway", "gw", nil, nil), Plane: DataPlane{Unread: errors.New("forbidden")}, Moment: Moment{Now: now, Started: now.Add(-addressGrace * 10)}}
	out := view.judgeAddress(metav1.Condition{Reason: "AddressNotAssigned", LastTransitionTime: ago(addressGrace * 10)}, Verdict{})
	if out.Problem != nil || out.Pending == nil || !strings.Contains(out.Pending.Evidence, "cannot read") {
		t.Errorf("problem %v, pending %v", out.Problem, out.Pending)
	}
}
