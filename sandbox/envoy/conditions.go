package envoy

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// settle gives conditions their generation, and the transition time they have in old if their status is the same there.
func settle(old []metav1.Condition, generation int64, now time.Time, wanted ...metav1.Condition) []metav1.Condition {
	settled := make([]metav1.Condition, 0, len(wanted))
	for _, condition := range wanted {
		condition.ObservedGeneration = generation
		condition.LastTransitionTime = metav1.NewTime(now.Truncate(time.Second))
		if before := meta.FindStatusCondition(old, condition.Type); before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
		settled = append(settled, condition)
	}
	return settled
}

func yes(kind, message string) metav1.Condition { return holds(kind, kind, message) }

func holds(kind, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func no(kind string, why refusal) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: why.reason, Message: why.message}
}

// either is the condition that holds unless something is refused.
func either(kind, message string, refused refusal) metav1.Condition {
	if refused != (refusal{}) {
		return no(kind, refused)
	}
	return yes(kind, message)
}
