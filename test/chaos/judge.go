package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockstep/test/world"
)

// settling is how long the cluster may take to come to rest after an operation has ended: pods end, and controllers whose API server was
// killed several times ask it again only every half a minute.
const settling = 2 * time.Minute

// earlier is the environment as it was before a run.
type earlier struct {
	state       State
	fingerprint Fingerprint
	snapshot    world.Snapshot
}

func (s *site) earlier(t testing.TB) earlier {
	t.Helper()
	return earlier{s.now, s.fingerprint(t), s.Snapshot(t)}
}

// judge compares what there is now with how it was before the run, object by object, or with how it is after an undisturbed one.
func (s *site) judge(t testing.TB, o Operation, before earlier, said world.Said) (Ending, string) {
	t.Helper()
	ending, state := AsWithout, o.To
	differs := func() string {
		return s.references[o.To].pushedOver(before.fingerprint, o.To != Nothing).Differs(s.fingerprint(t))
	}
	switch {
	case said.Code == world.Done && o.Fails:
		return Wrong, "a deployment that cannot succeed is called a success"
	case said.Code == world.Done && s.references[o.To] == nil:
		differs = func() string { return s.changedByAnother(t, o) }
	case said.Code == world.Done:
	case said.Code == world.RolledBack:
		ending, state = Undone, before.state
		differs = func() string {
			return before.snapshot.Differs(s.Snapshot(t)) + ofManagers(before.fingerprint, s.fingerprint(t))
		}
	default:
		return Wrong, fmt.Sprintf("it ended with code %d", said.Code)
	}
	if diff := settled(t, differs); diff != "" {
		return Wrong, fmt.Sprintf("it ended %q, but there is (+) or lacks (-):\n%s", ending, diff)
	}
	if state == Nothing {
		return ending, ""
	}
	failed := t.Failed()
	s.NothingOfVerification(t)
	if t.Failed() && !failed {
		return Wrong, "something is left of the verification: see the log"
	}
	return ending, ""
}

// changedByAnother is what an undisturbed deployment of the same changes, which should be nothing.
func (s *site) changedByAnother(t testing.TB, o Operation) string {
	t.Helper()
	s.EverythingIsThere(t)
	if o.From == Nothing {
		s.OnlyFirstRevisions(t)
	}
	before := s.Versions(t)
	s.Expect(t, world.Done, "deploy", "-f", file(t, o.To))
	return cmp.Diff(before, s.Versions(t))
}

// ofManagers compares the key managers of two fingerprints.
func ofManagers(a, b Fingerprint) string {
	only := func(p Fingerprint) Fingerprint {
		managers := Fingerprint{}
		for name, value := range p {
			if strings.HasPrefix(name, managerPrefix) {
				managers[name] = value
			}
		}
		return managers
	}
	return only(a).Differs(only(b))
}

// settled is what differs, if something does to the end of settling.
func settled(t testing.TB, differs func() string) (diff string) {
	t.Helper()
	for end := time.Now().Add(settling); ; {
		if diff = differs(); diff == "" || time.Now().After(end) {
			return diff
		}
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
			return diff
		}
	}
}
