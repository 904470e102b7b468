package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
)

// WaitRoutes waits until the named HTTPRoutes are accepted by all their parents with their references resolved, and
// until the BackendTLSPolicies of the Services behind them are accepted.
func (c *Client) WaitRoutes(ctx context.Context, namespace string, names []string, progress func(string), options ...WaitOption) error {
	object := "HTTPRoute " + namespace + "/" + strings.Join(names, ", ")
	for _, kind := range []string{"HTTPRoute", "BackendTLSPolicy"} {
		if _, err := c.resource(schema.FromAPIVersionAndKind(gatewayAPI, kind), namespace); err != nil {
			return classify("waiting for "+object, err)
		}
	}
	routes := c.watchObjects(gatewayResource("httproutes"), namespace, "")
	policies := c.watchObjects(gatewayResource("backendtlspolicies"), namespace, "")
	started, told, o := time.Now(), "", optionsOf(options)
	var last verdict
	err := watchUntil(ctx, []cache.SharedIndexInformer{routes, policies}, func() (bool, error) {
		last = diagnoseRoutes(routesView{
			names: names, routes: stored[*unstructured.Unstructured](routes), policies: stored[*unstructured.Unstructured](policies),
			watched: watched{time.Now(), started, o.pace},
		})
		report(progress, &told, last.waiting)
		if last.problem != nil {
			return false, last.problem
		}
		return last.done, nil
	})
	return c.conclude(ctx, object, err, last, func() string { return "" }, o)
}

// routesView is what the cluster shows of some routes at one moment.
type routesView struct {
	names            []string
	routes, policies []*unstructured.Unstructured
	watched
}

func diagnoseRoutes(v routesView) verdict {
	for _, name := range v.names {
		i := slices.IndexFunc(v.routes, func(route *unstructured.Unstructured) bool { return route.GetName() == name })
		if i < 0 {
			problem := &Problem{Reason: "NotFound", Object: "HTTPRoute " + name, Evidence: "it does not exist", NextMove: "look at the Helm release that makes it"}
			return v.soft("HTTPRoute "+name+" does not exist yet", problem, v.started)
		}
		route := v.routes[i]
		if out := v.judge(route, "parents", "parentRefs", []string{"Accepted", "ResolvedRefs"}); !out.done {
			return out
		}
		for _, policy := range v.policiesOf(route) {
			if out := v.judge(policy, "ancestors", "", []string{"Accepted"}); !out.done {
				return out
			}
		}
	}
	return verdict{done: true}
}

// judge reads the conditions that each parent (or ancestor) gives an object; it needs as many as the object names in
// spec.refs, at least one.
func (v routesView) judge(obj *unstructured.Unstructured, givers, refs string, types []string) verdict {
	var parents []struct{ Conditions []metav1.Condition }
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", givers)
	recode(list, &parents)
	needed, _, _ := unstructured.NestedSlice(obj.Object, "spec", refs)
	name := RefOf(obj).String()
	if len(parents) < max(1, len(needed)) {
		problem := &Problem{Reason: "NotAttached", Object: name, Retryable: true, Evidence: "no Gateway has taken it",
			NextMove: "look at the Gateway it names and at the log of the gateway controller"}
		return verdict{waiting: name + " is not attached yet", pending: problem}
	}
	for _, parent := range parents {
		conditions := byType(parent.Conditions)
		for _, typ := range types {
			condition, found := conditions[typ]
			switch {
			case !found || condition.ObservedGeneration < obj.GetGeneration():
				return verdict{waiting: fmt.Sprintf("%s: %s is not known yet", name, typ)}
			case condition.Status != metav1.ConditionTrue:
				problem := &Problem{Reason: condition.Reason, Object: name, Evidence: clip(firstLine(condition.Message)), NextMove: routeMove(condition.Reason)}
				return v.soft(name+": "+condition.Reason, problem, condition.LastTransitionTime.Time)
			}
		}
	}
	return verdict{done: true}
}

func routeMove(reason string) string {
	switch reason {
	case "BackendNotFound":
		return "the Service it routes to does not exist: look at the Helm release that makes it"
	case "NoMatchingListenerHostname":
		return "the route's hostname must be that of the Gateway's listener: compare hostnames in the environment file and the chart's values"
	case "NoMatchingParent", "NotAllowedByListeners":
		return "the Gateway has no such listener for this namespace: compare routing.gateway and the chart's gatewayName"
	}
	return "correct what the controller names"
}

// soft is a problem once it has lasted.
func (v routesView) soft(waiting string, problem *Problem, since time.Time) verdict {
	out := verdict{waiting: waiting, pending: problem}
	if v.lasts(since, routeGrace) {
		out.problem = problem
	}
	return out
}

// policiesOf gives the BackendTLSPolicies whose targets the route sends to.
func (v routesView) policiesOf(route *unstructured.Unstructured) []*unstructured.Unstructured {
	var spec struct {
		Rules []struct{ BackendRefs []struct{ Name string } }
	}
	recode(route.Object["spec"], &spec)
	backends := map[string]bool{}
	for _, rule := range spec.Rules {
		for _, backend := range rule.BackendRefs {
			backends[backend.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(v.policies), func(policy *unstructured.Unstructured) bool {
		var spec struct{ TargetRefs []struct{ Kind, Name string } }
		recode(policy.Object["spec"], &spec)
		return !slices.ContainsFunc(spec.TargetRefs, func(target struct{ Kind, Name string }) bool {
			return target.Kind == "Service" && backends[target.Name]
		})
	})
}
