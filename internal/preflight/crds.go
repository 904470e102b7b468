package preflight

import (
	"context"
	"slices"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"lockstep/config"
	"lockstep/internal/chart"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/gateway"
)

// checkGatewayKinds makes sure that the kinds which API Manager's chart and the gateway need are there, or will be. Every CRD that the
// deployment would make or replace is tried by a dry run: a policy of the cluster may deny it. What is denied and not needed is only told.
func checkGatewayKinds(ctx context.Context, c *cluster.Client, charts *chart.Fetcher, env config.Environment, warnings *[]string) error {
	missing, err := c.Missing(ctx, gateway.Needs(env))
	if err != nil {
		return err
	}
	if !env.Routing.BringsCRDs() {
		return gateway.Unserved(env, missing, nil)
	}
	crds, err := charts.CRDs(ctx, env.Routing.Chart)
	if err != nil {
		return err
	}
	result, err := crd.Try(ctx, c, crds, env.Routing.CRDs, crd.Run{})
	if err != nil {
		return err
	}
	missing = slices.DeleteFunc(missing, func(kind schema.GroupVersionKind) bool {
		return brought(kind, crds, append(result.Created, result.Replaced...))
	})
	denied := crd.Grouped(result.Denied)
	if len(missing) == 0 && len(denied) > 0 {
		for _, one := range denied {
			*warnings = append(*warnings, "a policy of the cluster denies the CRDs "+one+"; nothing here needs them")
		}
	}
	return gateway.Unserved(env, missing, denied)
}

// brought says whether one of the CRDs that are made or replaced serves the kind.
func brought(kind schema.GroupVersionKind, crds []*unstructured.Unstructured, done []cluster.Ref) bool {
	return slices.ContainsFunc(crds, func(object *unstructured.Unstructured) bool {
		var crd apiextensions.CustomResourceDefinition
		if !slices.Contains(done, cluster.RefOf(object)) || runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &crd) != nil {
			return false
		}
		return crd.Spec.Group == kind.Group && crd.Spec.Names.Kind == kind.Kind && slices.ContainsFunc(crd.Spec.Versions,
			func(v apiextensions.CustomResourceDefinitionVersion) bool { return v.Served && v.Name == kind.Version })
	})
}
