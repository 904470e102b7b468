package shared

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/config"
	"lockstep/internal/cluster"
	"lockstep/internal/crd"
	"lockstep/internal/drift"
	"lockstep/internal/failure"
	"lockstep/internal/gateway"
	"lockstep/internal/readiness"
)

// Drift says in what the shared parts are not what a deployment of the environment would make of them, or need: CRDs of its gateway's chart,
// the class and the controller's pods. Its release is compared as those of products are.
func (p Parts) Drift(ctx context.Context, env config.Environment, crds []*unstructured.Unstructured) (items []drift.Item, err error) {
	for _, find := range []func() ([]drift.Item, error){
		func() ([]drift.Item, error) { return p.driftOfCRDs(ctx, env, crds) },
		func() ([]drift.Item, error) { return p.driftOfClass(ctx, env) },
		func() ([]drift.Item, error) { return p.driftOfController(ctx, env) },
	} {
		some, err := find()
		if err != nil {
			return nil, err
		}
		items = append(items, some...)
	}
	return items, nil
}

// driftOfCRDs tries what a deployment would do. Of those that it would leave it tells Lockstep's that are of another version.
func (p Parts) driftOfCRDs(ctx context.Context, env config.Environment, crds []*unstructured.Unstructured) (items []drift.Item, err error) {
	tried, err := crd.Try(ctx, p.Cluster, crds, env.Routing.CRDs, crd.Run{})
	if err != nil {
		return nil, err
	}
	for _, ref := range tried.Created {
		items = append(items, drift.Item{Object: ref.String(), Wants: drift.There, Is: drift.Missing})
	}
	for _, wanted := range crds {
		live, found, err := p.Cluster.Get(ctx, cluster.RefOf(wanted))
		if err != nil {
			return nil, err
		}
		if has, wants := crd.Version(live), crd.Version(wanted); found && live.GetLabels()[cluster.ManagedByLabel] == cluster.ManagedBy && has != "" && has != wants {
			items = append(items, drift.Item{Object: cluster.RefOf(wanted).String(), Field: "version", Wants: wants, Is: has, Next: nextForCRD(env, crd.Later(has, wants))})
		}
	}
	return items, nil
}

func nextForCRD(env config.Environment, newer bool) string {
	switch {
	case newer:
		return "a newer gateway chart installed it, and an older chart does not replace it: set gateway.chart.version to the version of that newer chart"
	case env.Routing.ReplacesCRDs():
		return "" // a deployment does
	}
	return "a deployment replaces it if the cluster's file says gateway.crds: create-replace"
}

func (p Parts) driftOfClass(ctx context.Context, env config.Environment) ([]drift.Item, error) {
	class, found, err := p.Cluster.Get(ctx, gateway.Class(env))
	if err != nil || !found { // then the comparison of the gateway's objects says so
		return nil, err
	}
	accepted, why := gateway.Accepted(class)
	if accepted {
		return nil, nil
	}
	return []drift.Item{{Object: cluster.RefOf(class).String(), Field: "status", Wants: "accepted by its controller", Is: why,
		Next: fmt.Sprintf("look at the controller: `kubectl logs deployment/%s -n %s`", gateway.Deployment, env.Routing.Namespace)}}, nil
}

func (p Parts) driftOfController(ctx context.Context, env config.Environment) ([]drift.Item, error) {
	if !env.Routing.Installs() {
		return nil, nil
	}
	ready, err := readiness.IsReady(ctx, p.Cluster, env.Routing.Namespace, gateway.Deployment)
	switch {
	case failure.Is(err, failure.NotFound), err == nil && ready: // its release says what is missing
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []drift.Item{{Object: "Deployment " + env.Routing.Namespace + "/" + gateway.Deployment, Field: "pods", Wants: "all ready", Is: "not all ready",
		Next: fmt.Sprintf("look at them: `kubectl describe deployment %s -n %s`", gateway.Deployment, env.Routing.Namespace)}}, nil
}
