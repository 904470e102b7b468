package chaos

import (
	"fmt"
	"testing"
	"time"

	"lockstep/sandbox/world"
)

// settling is how long the cluster may take to remove what goes after an operation has ended, as a pod that ends.
const settling = 30 * time.Second

// judge compares what there is now with how it was before the run, or with how it is after an undisturbed one.
func (s *site) judge(t testing.TB, o Operation, before Portrait, said world.Said) (Ending, string) {
	t.Helper()
	ending, want, state := AsWithout, s.references[o.To], o.To
	switch {
	case said.Code == world.Done && o.Fails:
		return Wrong, "a deployment that cannot succeed is called a success"
	case said.Code == world.Done:
	case said.Code == world.RolledBack:
		ending, want, state = Undone, before, o.From
	default:
		return Wrong, fmt.Sprintf("it ended with code %d", said.Code)
	}
	if diff := s.settles(t, want); diff != "" {
		return Wrong, fmt.Sprintf("it ended %q, but there is (+) or lacks (-):\n%s", ending, diff)
	}
	if state == Nothing {
		return ending, ""
	}
	s.LearnSecrets(t)
	failed := t.Failed()
	s.NothingOfVerification(t)
	if t.Failed() && !failed {
		return Wrong, "something is left of the verification"
	}
	return ending, ""
}

// settles returns how the environment differs from what is wanted, if it does so to the end of settling.
func (s *site) settles(t testing.TB, want Portrait) (diff string) {
	t.Helper()
	for end := time.Now().Add(settling); ; {
		if diff = want.Differs(s.portrait(t)); diff == "" || time.Now().After(end) {
			return diff
		}
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
			return diff
		}
	}
}
