package crd

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"lockstep/internal/cluster"
	"lockstep/internal/failure"
)

// listing is how long the server may take until it lists a kind that it serves already.
const listing = 30 * time.Second

// waitListed waits until discovery has the kinds that the CRDs serve: it lags behind their condition
// Established, and Helm goes by it.
func waitListed(ctx context.Context, c *cluster.Client, crds []*unstructured.Unstructured) error {
	const doing = "waiting until the API server lists the new CRDs' kinds"
	kinds := servedBy(crds)
	var missing []schema.GroupVersionKind
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, listing, true, func(context.Context) (bool, error) {
		missing = c.Unlisted(kinds)
		return len(missing) == 0, nil
	})
	if err == nil || ctx.Err() != nil {
		return cluster.Classify(doing, err)
	}
	return &failure.Error{Kind: failure.Unavailable, Retryable: true, Doing: doing, Cause: fmt.Errorf("the API server does not list %v after %s", missing, listing),
		Next: "look at the health of the API server (kubectl get --raw /readyz?verbose)"}
}

func servedBy(crds []*unstructured.Unstructured) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	for _, object := range crds {
		crd := typed(object)
		for _, version := range crd.Spec.Versions {
			if version.Served {
				kinds = append(kinds, schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind})
			}
		}
	}
	return kinds
}
