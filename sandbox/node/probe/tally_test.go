package probe

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAProbeDecidesAfterThresholdsInARow(t *testing.T) {
	results := NewTally(&corev1.Probe{SuccessThreshold: 2, FailureThreshold: 3})
	for i, step := range []struct{ success, decided bool }{
		{true, false}, {true, true}, {true, true},
		{false, false}, {false, false}, {true, false}, // a success breaks the row
		{false, false}, {false, false}, {false, true},
		{true, false}, {true, true},
	} {
		if got := results.Add(step.success); got != step.decided {
			t.Errorf("result %d: decided %v, want %v", i, got, step.decided)
		}
	}
}
