package shared_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/gateway"
	"lockstep/internal/shared"
	"lockstep/test/clustertest"
)

func TestDriftFindsWhatIsNotAsItShouldBeOfTheSharedParts(t *testing.T) {
	plane := clustertest.Start(t)
	parts := shared.Parts{Cluster: plane.Client}
	env := config.Environment{Name: "dev", Namespace: "apim"}
	env.Default()
	older, newer := ofGatewayAPI(clustertest.GatewayCRDs(t, "1.7")), ofGatewayAPI(clustertest.GatewayCRDs(t, "1.9"))
	find := func(crds []*unstructured.Unstructured) (found []string) {
		items, err := parts.Drift(t.Context(), env, crds)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			found = append(found, item.String()+" -> "+item.Next)
		}
		return found
	}
	if _, err := crd.Apply(t.Context(), plane.Client, older, config.CRDsCreate, crd.Run{}); err != nil {
		t.Fatal(err)
	}
	if found := find(older); len(found) > 0 {
		t.Errorf("of what is as it should be it says %q", found)
	}
	class := gateway.Objects(env)[:1]
	if _, err := plane.Client.Apply(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	want := []string{"GatewayClass envoy-gateway, status: is Pending: Waiting for controller, should be accepted by its controller -> look at the controller: " +
		"`kubectl logs deployment/envoy-gateway -n envoy-gateway-system`"}
	if diff := cmp.Diff(want, find(older)); diff != "" {
		t.Error(diff)
	}
	if err := plane.Client.Delete(t.Context(), cluster.RefOf(class[0]), cluster.RefOf(older[0])); err != nil {
		t.Fatal(err)
	}
	if found := find(older); len(found) != 1 || !strings.Contains(found[0], older[0].GetName()+" is missing") {
		t.Errorf("of a missing CRD it says %q", found)
	}
	for _, line := range find(newer) {
		if !strings.Contains(line, "is missing") && !strings.Contains(line, "version: is v1.4.1, should be v1.6.1 -> a deployment replaces it if the cluster's file says gateway.crds: create-replace") {
			t.Errorf("of an older CRD it says %q", line)
		}
	}
	env.Routing.CRDs = config.CRDsCreateReplace
	if _, err := crd.Apply(t.Context(), plane.Client, newer, config.CRDsCreateReplace, crd.Run{Environment: "dev", ID: "1"}); err != nil {
		t.Fatal(err)
	}
	for _, line := range find(older) {
		if !strings.Contains(line, "version: is v1.6.1, should be v1.4.1 -> a newer gateway chart installed it") {
			t.Errorf("of a newer CRD it says %q", line)
		}
	}
}

// ofGatewayAPI are some that both charts have.
func ofGatewayAPI(crds []*unstructured.Unstructured) []*unstructured.Unstructured {
	return slices.DeleteFunc(crds, func(crd *unstructured.Unstructured) bool {
		return !slices.Contains([]string{"backendtlspolicies.gateway.networking.k8s.io", "gatewayclasses.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io"}, crd.GetName())
	})
}
