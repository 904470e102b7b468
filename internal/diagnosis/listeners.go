package diagnosis

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"lockstep/internal/cluster"
)

// listener is one of a Gateway, as it is wanted and as its controller says that it is.
type listener struct {
	Name string
	TLS  struct {
		CertificateRefs []struct{ Name string }
	}
	conditions map[string]metav1.Condition
}

// soundness is a condition of a listener that works.
type soundness struct {
	typ    string
	status metav1.ConditionStatus
}

var sound = []soundness{
	{"ResolvedRefs", metav1.ConditionTrue}, {"Conflicted", metav1.ConditionFalse}, {"Accepted", metav1.ConditionTrue}, {"Programmed", metav1.ConditionTrue},
}

// judgeListeners looks at what the controller says of each listener in its newest version. The Gateway itself says nothing of them: it stays
// programmed while none of them has a certificate.
func (v Gateway) judgeListeners() Verdict {
	for _, l := range v.listeners() {
		if out, wrong := v.wrong(l, sound); wrong {
			return out
		}
		if waiting := l.untold(v.Gateway.GetGeneration()); waiting != "" {
			return Verdict{Waiting: "listener " + l.Name + ": " + waiting}
		}
	}
	return Verdict{Done: true}
}

// refused is the first listener that its controller refuses, which says more than the Gateway's own conditions.
func (v Gateway) refused() (Verdict, bool) {
	for _, l := range v.listeners() {
		if out, wrong := v.wrong(l, sound[:3]); wrong { // it is not programmed while its Gateway is not
			return out, true
		}
	}
	return Verdict{}, false
}

// wrong is the first of the conditions that is not as it should be, in the listener's newest version.
func (v Gateway) wrong(l listener, conditions []soundness) (Verdict, bool) {
	for _, wanted := range conditions {
		condition, told := l.conditions[wanted.typ]
		if !told || condition.Status == wanted.status || condition.ObservedGeneration < v.Gateway.GetGeneration() {
			continue
		}
		problem := &Problem{Reason: condition.Reason, Object: fmt.Sprintf("listener %s of %s", l.Name, cluster.RefOf(v.Gateway)),
			Evidence: Clip(firstLine(condition.Message)), NextMove: l.move(condition.Reason)}
		out := Verdict{Waiting: "listeners: " + problem.Evidence, Pending: problem}
		if condition.Reason != "Pending" && v.lasted(condition, invalidGrace) {
			out.Problem = problem
		}
		return out, true
	}
	return Verdict{}, false
}

// untold is what the controller has not yet said of a listener in that version of its Gateway. That there is no conflict it need not say.
func (l listener) untold(generation int64) string {
	for _, wanted := range sound {
		condition, told := l.conditions[wanted.typ]
		switch {
		case !told && wanted.typ != "Conflicted":
			return "the controller says nothing of " + wanted.typ + " yet"
		case told && condition.ObservedGeneration < generation:
			return "the controller has not seen its newest version yet"
		}
	}
	return ""
}

func (v Gateway) listeners() []listener {
	var all []listener
	list, _, _ := unstructured.NestedSlice(v.Gateway.Object, "spec", "listeners")
	recode(list, &all)
	var statuses []struct {
		Name       string
		Conditions []metav1.Condition
	}
	list, _, _ = unstructured.NestedSlice(v.Gateway.Object, "status", "listeners")
	recode(list, &statuses)
	for i := range all {
		for _, status := range statuses {
			if status.Name == all[i].Name {
				all[i].conditions = byType(status.Conditions)
			}
		}
	}
	return all
}

func (l listener) move(reason string) string {
	switch reason {
	case "InvalidCertificateRef":
		secret := "of the listeners"
		if len(l.TLS.CertificateRefs) > 0 {
			secret = l.TLS.CertificateRefs[0].Name
		}
		return fmt.Sprintf("Secret %s must be in the Gateway's namespace, with a tls.crt and tls.key that the gateway takes: put a good pair there, or name another Secret in "+
			"certificates.gatewayTLS; `lockstep drift` says what is wrong with it", secret)
	case "HostnameConflict", "ProtocolConflict":
		return "two listeners of one port have the same hostname or different protocols: make the hostnames in the environment file differ"
	}
	return "correct what the controller names, in hostnames and routing of the environment file"
}
