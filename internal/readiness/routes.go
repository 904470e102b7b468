package readiness

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/cache"

	"lockstep/internal/cluster"
	"lockstep/internal/diagnosis"
)

// Routes waits until the named HTTPRoutes are accepted by all their parents with their references resolved, and
// until the BackendTLSPolicies of the Services behind them are accepted.
func Routes(ctx context.Context, c *cluster.Client, namespace string, names []string, progress func(string), options ...Option) error {
	w := begin(c, "HTTPRoute "+namespace+"/"+strings.Join(names, ", "), progress, options)
	for _, kind := range []string{"HTTPRoute", "BackendTLSPolicy"} {
		if err := w.served(kind); err != nil {
			return err
		}
	}
	routes, policies := w.watch("httproutes", namespace, ""), w.watch("backendtlspolicies", namespace, "")
	err := w.until(ctx, []cache.SharedIndexInformer{routes, policies}, func(at diagnosis.Moment) diagnosis.Verdict {
		return diagnosis.Routes{
			Names: names, Routes: stored[*unstructured.Unstructured](routes), Policies: stored[*unstructured.Unstructured](policies), Moment: at,
		}.Judge()
	})
	return w.conclude(ctx, err, nothing)
}
