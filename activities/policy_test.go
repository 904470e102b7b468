package activities

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/failure"
	"lockstep/test/clustertest"
)

// testPolicedCRDs has a cluster whose owner lets in no CRDs of Gateway API before v1.5, by Gateway API's own policy, and a gateway chart that
// has older ones. Preflight says so, and so does the step where preflight could not know.
func testPolicedCRDs(t *testing.T, s *suite) {
	older, newer := newTenant(s, "policed"), newTenant(s, "policed")
	older.in.Env.Routing.Chart.Version, newer.in.Env.Routing.Chart.Version = "v1.7.0", "v1.9.0"
	site, err := s.activities.site(older.in.Scope.Cluster)
	if err != nil {
		t.Fatal(err)
	}
	remove := policed(t, site.cluster)
	defer remove()
	clustertest.Eventually(t, "the policy is in force", func() bool {
		tried, err := crd.Try(t.Context(), site.cluster, clustertest.GatewayCRDs(t, "1.7"), older.in.Env.Routing.CRDs, crd.Run{})
		if err != nil {
			t.Fatal(err)
		}
		return len(tried.Denied) > 5
	})
	denied := []string{"does not serve", "BackendTLSPolicy of gateway.networking.k8s.io/v1", "a policy of the cluster denies CRDs of the gateway chart",
		"safe-upgrades.gateway.networking.k8s.io", "gateway.chart.version"}
	_, err = run[any](t, s, s.activities.Preflight, older.in)
	wants(t, err, failure.NotFound, denied...)
	if strings.Contains(err.Error(), "gateway.crds: create") {
		t.Errorf("it advises what does not help: %v", err)
	}
	older.missing = do[[]string](t, older, s.activities.LookCRDs, older.in)
	_, err = run[string](t, s, s.activities.ApplyCRDs, older.in)
	wants(t, err, failure.NotFound, denied...)
	older.came = 1
	older.undo(t)
	if left := do[[]string](t, older, s.activities.LookCRDs, older.in); len(left) != len(older.missing) {
		t.Errorf("after the undo the cluster lacks %d CRDs, before it lacked %d", len(left), len(older.missing))
	}

	if _, err := run[any](t, s, s.activities.Preflight, newer.in); err != nil {
		t.Errorf("a chart that the policy admits: %v", err)
	}
	newer.deploy(t, 1)
	if missing := do[[]string](t, newer, s.activities.LookCRDs, newer.in); len(missing) > 0 {
		t.Errorf("the cluster lacks %v", missing)
	}
	newer.undo(t)
	remove()
	nothingShared(t, s)
}

// policed has the cluster refuse older and experimental CRDs of Gateway API.
func policed(t *testing.T, c *cluster.Client) (remove func()) {
	t.Helper()
	var undo []func()
	for _, object := range clustertest.GatewayPolicy(t) {
		resource, err := c.Resource(object.GroupVersionKind(), "")
		if err == nil {
			_, err = resource.Create(t.Context(), object, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		undo = append(undo, func() {
			_ = resource.Delete(context.WithoutCancel(t.Context()), object.GetName(), metav1.DeleteOptions{})
		})
	}
	return func() {
		for _, one := range undo {
			one()
		}
	}
}
