package cluster

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// conditionsOf reads a list of conditions, by type.
func conditionsOf(obj map[string]any, path ...string) map[string]metav1.Condition {
	list, _, _ := unstructured.NestedSlice(obj, path...)
	var conditions []metav1.Condition
	recode(list, &conditions)
	return byType(conditions)
}

func byType(conditions []metav1.Condition) map[string]metav1.Condition {
	found := make(map[string]metav1.Condition, len(conditions))
	for _, condition := range conditions {
		found[condition.Type] = condition
	}
	return found
}

// recode reads loosely typed JSON into a type; what does not fit is left out.
func recode(from, into any) {
	if text, err := json.Marshal(from); err == nil {
		_ = json.Unmarshal(text, into)
	}
}
