package probe

import corev1 "k8s.io/api/core/v1"

// Tally counts a probe's results into a verdict, which holds until as many results in a row as the thresholds ask for
// say otherwise.
type Tally struct {
	successThreshold, failureThreshold int
	row                                int  // length of the present row
	last                               bool // what the row is of
}

// NewTally is the tally of a probe that has given no result yet.
func NewTally(probe *corev1.Probe) *Tally {
	return &Tally{
		successThreshold: max(1, int(probe.SuccessThreshold)),
		failureThreshold: max(1, int(probe.FailureThreshold)),
	}
}

// Add counts a result. decided is true when the row is long enough for its verdict.
func (t *Tally) Add(success bool) (decided bool) {
	if success != t.last {
		t.row = 0
	}
	t.last = success
	t.row++
	if success {
		return t.row >= t.successThreshold
	}
	return t.row >= t.failureThreshold
}
