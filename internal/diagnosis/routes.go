package diagnosis

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
)

// Routes is what the cluster shows of some routes at one moment.
type Routes struct {
	Names            []string
	Routes, Policies []*unstructured.Unstructured
	Moment
}

// Judge judges routes by what every parent says of them, and the policies of the Services behind them.
func (v Routes) Judge() Verdict {
	for _, name := range v.Names {
		i := slices.IndexFunc(v.Routes, func(route *unstructured.Unstructured) bool { return route.GetName() == name })
		if i < 0 {
			problem := &Problem{Reason: "NotFound", Object: "HTTPRoute " + name, Evidence: "it does not exist", NextMove: "look at the Helm release that makes it"}
			return v.soft("HTTPRoute "+name+" does not exist yet", problem, v.Started)
		}
		route := v.Routes[i]
		if out := v.judgeOne(route, "parents", "parentRefs", []string{"Accepted", "ResolvedRefs"}); !out.Done {
			return out
		}
		for _, policy := range v.policiesOf(route) {
			if out := v.judgeOne(policy, "ancestors", "", []string{"Accepted"}); !out.Done {
				return out
			}
		}
	}
	return Verdict{Done: true}
}

// judgeOne reads the conditions that each parent (or ancestor) gives an object; it needs as many as the object names in
// spec.refs, at least one.
func (v Routes) judgeOne(obj *unstructured.Unstructured, givers, refs string, types []string) Verdict {
	var parents []struct{ Conditions []metav1.Condition }
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", givers)
	recode(list, &parents)
	needed, _, _ := unstructured.NestedSlice(obj.Object, "spec", refs)
	name := cluster.RefOf(obj).String()
	if len(parents) < max(1, len(needed)) {
		problem := &Problem{Reason: "NotAttached", Object: name, Retryable: true, Evidence: "no Gateway has accepted it",
			NextMove: "look at the Gateway it names and at the log of the gateway controller"}
		return Verdict{Waiting: name + " is not attached yet", Pending: problem}
	}
	for _, parent := range parents {
		conditions := byType(parent.Conditions)
		for _, typ := range types {
			condition, found := conditions[typ]
			switch {
			case !found || condition.ObservedGeneration < obj.GetGeneration():
				return Verdict{Waiting: fmt.Sprintf("%s: %s is not known yet", name, typ)}
			case condition.Status != metav1.ConditionTrue:
				problem := &Problem{Reason: condition.Reason, Object: name, Evidence: firstLine(condition.Message), NextMove: routeMove(condition.Reason)}
				return v.soft(name+": "+condition.Reason, problem, condition.LastTransitionTime.Time)
			}
		}
	}
	return Verdict{Done: true}
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
func (v Routes) soft(waiting string, problem *Problem, since time.Time) Verdict {
	out := Verdict{Waiting: waiting, Pending: problem}
	if v.lasts(since, routeGrace) {
		out.Problem = problem
	}
	return out
}

// policiesOf gives the BackendTLSPolicies whose targets the route sends to.
func (v Routes) policiesOf(route *unstructured.Unstructured) []*unstructured.Unstructured {
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
	return slices.DeleteFunc(slices.Clone(v.Policies), func(policy *unstructured.Unstructured) bool {
		var spec struct{ TargetRefs []struct{ Kind, Name string } }
		recode(policy.Object["spec"], &spec)
		return !slices.ContainsFunc(spec.TargetRefs, func(target struct{ Kind, Name string }) bool {
			return target.Kind == "Service" && backends[target.Name]
		})
	})
}
