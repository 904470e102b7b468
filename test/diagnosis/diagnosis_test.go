// Package diagnosis provokes, in a sandbox, every symptom that docs/troubleshooting.md tells of, and holds what Lockstep says against
// the table: the step ends by a diagnosis, long before its time is over, with the message that the operator will look up.
package diagnosis

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"lockstep/activities"
	"lockstep/config/settings"
	"lockstep/internal/diagnosis"
	"lockstep/sandbox/fault"
	"lockstep/test/world"
)

// TestMain lets all pods misbehave side by side: what a provocation does is to wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "50"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// provocation makes one row of the table happen.
type provocation struct {
	// row is the symptom, as the table names it.
	row string
	// run provokes it and returns what Lockstep said.
	run func(*testing.T, *lab) string
}

// provocations are all of them: those before a deployment, those beside it, and those that change it, in this order.
func provocations() []provocation {
	return slices.Concat(beforeDeployment(), ofPods(), ofRefusals(), ofVolumes(), ofGateways(), ofDeployments())
}

// lab is where provocations happen: a sandbox with the environment of examples/quickstart.yaml.
type lab struct {
	*world.World
	activities *activities.Activities
}

func TestEverySymptomEndsItsStepWithTheMessageOfTheTable(t *testing.T) {
	w := world.InSandbox(t, "its registry refuses on demand, its images have the programs that misbehave, and its node takes a quarter of a kubelet's time")
	l := &lab{World: w, activities: activities.New(settings.Settings{Clusters: w.Clusters, Kubeconfig: w.Kubeconfig(), Mirrors: w.Sandbox().Mirrors(), CacheDir: t.TempDir()})}
	rows := map[string]row{}
	for _, r := range table(t) {
		rows[r.symptom] = r
	}
	provoke := func(t *testing.T, provocations []provocation, parallel bool) {
		for _, p := range provocations {
			t.Run(p.row, func(t *testing.T) {
				if parallel {
					t.Parallel()
				}
				says(t, rows[p.row], p.run(t, l))
			})
		}
	}
	provoke(t, beforeDeployment(), false)
	l.faults(t)
	w.Deployed(t)
	t.Run("together", func(t *testing.T) {
		t.Run("beside", func(t *testing.T) {
			t.Parallel()
			provoke(t, slices.Concat(ofPods(), ofRefusals(), ofVolumes(), ofGateways()), true)
			patience(t, l)
		})
		t.Run("in", func(t *testing.T) {
			t.Parallel()
			provoke(t, ofDeployments(), false)
		})
	})
}

// says holds what was said against a row: all parts of its message, in order, and no word of a time that was over.
func says(t *testing.T, r row, said string) {
	t.Helper()
	t.Log("\n" + said)
	rest := said
	for _, part := range r.parts() {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("the table has %q here:\n%s", part, rest)
			return
		}
		rest = after
	}
	for _, late := range []string{diagnosis.ReasonDeadline, "deadline exceeded", "StartToClose"} {
		if strings.Contains(said, late) {
			t.Errorf("it ended by its time, not by a diagnosis: %s", late)
		}
	}
}

// faults of the registry that concern images of the provocations alone, and pushes.
func (l *lab) faults(t *testing.T, more ...fault.Fault) {
	t.Helper()
	l.Fault(t, append(more,
		fault.Fault{Server: fault.Registry, Path: "/v2/refused/", Status: 401},
		fault.Fault{Server: fault.Registry, Path: "/v2/overloaded/", Status: 429},
		fault.Fault{ID: "blip", Server: fault.Registry, Method: "GET", Path: "/v2/blip/", Status: 429, Times: 2},
	)...)
}
