package preflight

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/gateway"
)

// checkGatewayKinds makes sure that the kinds which API Manager's chart and the gateway need are there, or will be: the policy
// create leaves kinds alone that are there in an older version.
func checkGatewayKinds(ctx context.Context, c *cluster.Client, charts *chart.Fetcher, env config.Environment) error {
	missing, err := c.Missing(ctx, gateway.Needs(env))
	if err != nil || len(missing) == 0 {
		return err
	}
	if !env.Routing.Installs() || env.Routing.CRDs == config.CRDsSkip {
		return gateway.Unserved(env, missing)
	}
	if env.Routing.CRDs == config.CRDsCreateReplace {
		return nil
	}
	crds, err := charts.CRDs(ctx, env.Routing.Chart)
	if err != nil {
		return err
	}
	old, err := present(ctx, c, crds, missing)
	if err != nil {
		return err
	}
	return gateway.Unserved(env, old)
}

// present are those of the kinds that the cluster has a definition of.
func present(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured, kinds []schema.GroupVersionKind) ([]schema.GroupVersionKind, error) {
	var there []schema.GroupVersionKind
	for _, crd := range crds {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		i := slices.IndexFunc(kinds, func(gvk schema.GroupVersionKind) bool { return gvk.Group == group && gvk.Kind == kind })
		if i < 0 {
			continue
		}
		_, found, err := c.Get(ctx, cluster.RefOf(crd))
		if err != nil {
			return nil, err
		}
		if found {
			there = append(there, kinds[i])
		}
	}
	return there, nil
}
