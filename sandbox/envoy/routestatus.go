package envoy

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// routeStatus is the status of an HTTPRoute: what it has from other controllers, and one entry for each parentRef that
// means a Gateway of this one.
func (w *world) routeStatus(route httpRoute, now time.Time) routeStatus {
	status := routeStatus{Parents: []parentStatus{}}
	for _, parent := range route.Status.Parents {
		if parent.ControllerName != w.controller {
			status.Parents = append(status.Parents, parent)
		}
	}
	for _, ref := range route.Spec.ParentRefs {
		g, ok := w.parent(route, ref)
		if !ok {
			continue
		}
		var before []metav1.Condition
		for _, parent := range route.Status.Parents {
			if parent.ControllerName == w.controller && parent.ParentRef == ref {
				before = parent.Conditions
			}
		}
		_, refused := w.attach(route, ref, g)
		status.Parents = append(status.Parents, parentStatus{
			ParentRef: ref, ControllerName: w.controller,
			Conditions: settle(before, route.Generation, now,
				either("Accepted", "Route is accepted", refused),
				either("ResolvedRefs", "Resolved all the Object references for the Route", w.unresolved(route))),
		})
	}
	return status
}
