package envoy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// brief is conditions as "Type=Status/Reason".
func brief(conditions []metav1.Condition) []string {
	var all []string
	for _, c := range conditions {
		all = append(all, c.Type+"="+string(c.Status)+"/"+c.Reason)
	}
	return all
}

func TestInfrastructureIsNamedAsEnvoyGatewayNamesIt(t *testing.T) {
	g := gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "apim", Name: "wso2-apim-gateway"}}
	if got := infraName(g); got != "envoy-apim-wso2-apim-gateway-512dcc31" {
		t.Error(got)
	}
}

func TestAGatewayIsProgrammedWithAnAddressAndAProxy(t *testing.T) {
	ca := newTestCA(t)
	for name, test := range map[string]struct {
		old, new  string // replaced in basics
		want      []string
		addresses []gatewayAddress
	}{
		"all there": {
			want:      []string{"Accepted=True/Accepted", "Programmed=True/Programmed"},
			addresses: []gatewayAddress{{"IPAddress", "127.9.255.1"}},
		},
		"no load balancer": {
			old: "{loadBalancer: {ingress: [{ip: 10.9.255.1}]}}", new: "{}",
			want: []string{"Accepted=True/Accepted", "Programmed=False/AddressNotAssigned"},
		},
		"an address that is not the sandbox's": {
			old: "10.9.255.1", new: "192.0.2.1",
			want:      []string{"Accepted=True/Accepted", "Programmed=True/Programmed"},
			addresses: []gatewayAddress{{"IPAddress", "192.0.2.1"}},
		},
		"no proxy runs": {
			old: "availableReplicas: 1", new: "availableReplicas: 0",
			want:      []string{"Accepted=True/Accepted", "Programmed=False/NoResources"},
			addresses: []gatewayAddress{{"IPAddress", "127.9.255.1"}},
		},
		"ClusterIP": {
			old: "type: LoadBalancer", new: "type: ClusterIP",
			want:      []string{"Accepted=True/Accepted", "Programmed=True/Programmed"},
			addresses: []gatewayAddress{{"IPAddress", "10.9.0.7"}},
		},
		"parameters that are not there": {
			old: "gatewayClassName:", new: "infrastructure: {parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: nope}}\n  gatewayClassName:",
			want:      []string{"Accepted=False/InvalidParameters", "Programmed=True/Programmed"},
			addresses: []gatewayAddress{{"IPAddress", "127.9.255.1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, strings.ReplaceAll(basics, test.old, test.new), ca)
			if test.old == "" {
				w = build(t, basics, ca)
			}
			status := w.gatewayStatus(w.gateways[0], time.Now())
			if diff := cmp.Diff(test.want, brief(status.Conditions)); diff != "" {
				t.Errorf("conditions:\n%s", diff)
			}
			if diff := cmp.Diff(test.addresses, status.Addresses); diff != "" {
				t.Errorf("addresses:\n%s", diff)
			}
			if got := status.Conditions[0].ObservedGeneration; got != 3 {
				t.Errorf("observed generation %d", got)
			}
		})
	}
}

func TestAListenerSaysWhetherItsCertificateIsThere(t *testing.T) {
	ca := newTestCA(t)
	w := build(t, basics, ca)
	for _, status := range w.gatewayStatus(w.gateways[0], time.Now()).Listeners {
		if diff := cmp.Diff([]string{"Programmed=True/Programmed", "Accepted=True/Accepted", "ResolvedRefs=True/ResolvedRefs"}, brief(status.Conditions)); diff != "" {
			t.Errorf("%s:\n%s", status.Name, diff)
		}
		if want := map[string]int32{"keymanager-https": 1, "gateway-https": 0}[status.Name]; status.AttachedRoutes != want {
			t.Errorf("%s has %d routes, want %d", status.Name, status.AttachedRoutes, want)
		}
	}
	for name, spoil := range map[string]func(*world){
		"no Secret":      func(w *world) { w.secrets = nil },
		"not a key pair": func(w *world) { w.secrets[0].Data["tls.key"] = []byte("nonsense") },
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, basics, ca)
			spoil(w)
			status := w.gatewayStatus(w.gateways[0], time.Now()).Listeners[0]
			if diff := cmp.Diff([]string{"Programmed=False/Invalid", "Accepted=True/Accepted", "ResolvedRefs=False/InvalidCertificateRef"}, brief(status.Conditions)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARouteSaysWhyItIsNotTaken(t *testing.T) {
	ca := newTestCA(t)
	const resolved = "ResolvedRefs=True/ResolvedRefs"
	for name, test := range map[string]struct {
		old, new string
		want     []string
	}{
		"taken":                    {"", "", []string{"Accepted=True/Accepted", resolved}},
		"no such listener":         {"sectionName: keymanager-https", "sectionName: nope", []string{"Accepted=False/NoMatchingParent", resolved}},
		"no such host":             {"hostnames: [km.example.com]", "hostnames: [other.example.com]", []string{"Accepted=False/NoMatchingListenerHostname", resolved}},
		"no such Service":          {"{kind: Service, name: is, port: 9443}", "{kind: Service, name: nope, port: 9443}", []string{"Accepted=True/Accepted", "ResolvedRefs=False/BackendNotFound"}},
		"no such port":             {"name: is, port: 9443}", "name: is, port: 1}", []string{"Accepted=True/Accepted", "ResolvedRefs=False/PortNotFound"}},
		"no certificate":           {"gateway-tls", "nope", []string{"Accepted=False/NoReadyListeners", resolved}},
		"no such Gateway":          {"kind: Gateway, name: gw", "kind: Gateway, name: nope", nil},
		"a class of somebody else": {"gateway.envoyproxy.io/gatewayclass-controller", "example.com/other", nil},
	} {
		t.Run(name, func(t *testing.T) {
			documents := basics
			if test.old != "" {
				documents = strings.ReplaceAll(basics, test.old, test.new)
			}
			w := build(t, documents, ca)
			var got []string
			for _, parent := range w.routeStatus(w.routes[0], time.Now()).Parents {
				got = append(got, brief(parent.Conditions)...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABackendTLSPolicyNeedsItsCA(t *testing.T) {
	ca := newTestCA(t)
	good := []string{"Accepted=True/Accepted", "ResolvedRefs=True/ResolvedRefs"}
	bad := []string{"Accepted=False/NoValidCACertificate", "ResolvedRefs=False/InvalidCACertificateRef"}
	for name, test := range map[string]struct {
		spoil func(*world)
		want  []string
	}{
		"there":                {func(*world) {}, good},
		"no ConfigMap":         {func(w *world) { w.configMaps = nil }, bad},
		"no key ca.crt":        {func(w *world) { w.configMaps[0].Data = nil }, bad},
		"no PEM in it":         {func(w *world) { w.configMaps[0].Data["ca.crt"] = "nonsense" }, bad},
		"no route leads there": {func(w *world) { w.routes = nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, basics, ca)
			test.spoil(w)
			var got []string
			for _, ancestor := range w.tlsPolicyStatus(w.tlsPolicies[0], time.Now()).Ancestors {
				got = append(got, brief(ancestor.Conditions)...)
				if ancestor.AncestorRef.Name != "gw" || ancestor.Conditions[0].ObservedGeneration != 7 {
					t.Errorf("ancestor %+v", ancestor)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABackendTrafficPolicyIsAcceptedByTheGatewayOfItsRoute(t *testing.T) {
	w := build(t, basics, newTestCA(t))
	ancestors := w.trafficPolicyStatus(w.trafficPolicies[0], time.Now()).Ancestors
	if len(ancestors) != 1 || !meta.IsStatusConditionTrue(ancestors[0].Conditions, "Accepted") || ancestors[0].AncestorRef.Name != "gw" {
		t.Errorf("%+v", ancestors)
	}
}

func TestStatusOfOtherControllersStays(t *testing.T) {
	w := build(t, basics, newTestCA(t))
	w.routes[0].Status.Parents = []parentStatus{{ControllerName: "example.com/other"}, {ControllerName: w.controller}}
	var got []string
	for _, parent := range w.routeStatus(w.routes[0], time.Now()).Parents {
		got = append(got, parent.ControllerName)
	}
	if diff := cmp.Diff([]string{"example.com/other", w.controller}, got); diff != "" {
		t.Error(diff)
	}
}

func TestATransitionTimeChangesWithTheStatusOnly(t *testing.T) {
	then, now := time.Unix(1000, 0), time.Unix(2000, 0)
	old := settle(nil, 1, then, yes("Accepted", "fine"), no("Programmed", refusal{"AddressNotAssigned", ""}))
	next := settle(old, 2, now, yes("Accepted", "still fine"), yes("Programmed", ""))
	if got := next[0].LastTransitionTime.Time; !got.Equal(then) {
		t.Errorf("Accepted changed at %v", got)
	}
	if got := next[1].LastTransitionTime.Time; !got.Equal(now) {
		t.Errorf("Programmed changed at %v", got)
	}
	if next[0].ObservedGeneration != 2 {
		t.Errorf("observed generation %d", next[0].ObservedGeneration)
	}
}
