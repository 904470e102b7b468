package chaos

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lockstep/sandbox/fault"
)

var planned = cmp.Options{cmp.AllowUnexported(Operation{}), cmpopts.EquateEmpty()}

func TestASeedIsAPlan(t *testing.T) {
	for seed := range uint64(200) {
		if diff := cmp.Diff(PlanRun(seed), PlanRun(seed), planned); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

// TestSeedsInARowMeetEveryBoundaryAndEverySpecialMoment says how many runs that takes: about those of one `make chaos`.
func TestSeedsInARowMeetEveryBoundaryAndEverySpecialMoment(t *testing.T) {
	cycle := uint64(len(operations()))
	for i, o := range operations() {
		killed, special := map[Moment]bool{}, map[string]bool{}
		turns := uint64(max(len(o.boundaries), len(o.specials)))
		for turn := range turns {
			for _, f := range PlanRun(uint64(i) + turn*cycle).Faults {
				if f.Kind == KillWorker {
					killed[f.At] = true
				}
				f.ID, f.Server.ID = "", ""
				special[string(f.Kind)+f.Where()] = true
			}
		}
		for _, m := range o.boundaries {
			if !killed[m] {
				t.Errorf("%s: no worker is killed at %s", o.Name, m)
			}
		}
		for _, f := range o.specials {
			if !special[string(f.Kind)+f.Where()] {
				t.Errorf("%s: never %s, %s", o.Name, f.Kind, f.Where())
			}
		}
	}
}

func TestEachOperationBeginsAsTheOneBeforeItEnds(t *testing.T) {
	now := Nothing
	for _, o := range operations() {
		if o.From != now && o.From != "" {
			t.Errorf("%s begins from %q, the one before it ended with %q", o.Name, o.From, now)
		}
		if !o.Fails && !o.Cancel {
			now = o.To
		}
	}
	if now != Nothing {
		t.Errorf("the last one ended with %q", now)
	}
}

func TestAPlanIsReadable(t *testing.T) {
	run := Run{Seed: 8, Operation: Operation{Name: "change"}, Faults: []Fault{
		{ID: "8.1", Kind: KillProcess, Process: "etcd", At: Moment{Pending: "apim"}},
		{ID: "8.2", Kind: Refuse, Server: fault.Fault{Server: fault.Registry, Method: "PUT", Path: "/manifests/", Status: 429, RetryAfter: 2, Times: 1, Skip: 1}},
	}}
	const want = `seed 8: change
  8.1      server killed, etcd at release apim pending
  8.2      answers an error, registry PUT /manifests/: 429 with Retry-After 2, 1× after 1
`
	if diff := cmp.Diff(want, run.Plan()); diff != "" {
		t.Error(diff)
	}
}

func TestAMomentIsReadable(t *testing.T) {
	for want, m := range map[string]Moment{
		"verify running":          {Step: "verify", State: "running"},
		"release is pending":      {Pending: "is"},
		"Secret lockstep-ca made": {Secret: "lockstep-ca"},
		"gateway undoing +1.5s":   {Step: "gateway", State: "undoing", After: 1500e6},
	} {
		if got := m.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
