package chaos

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
)

var (
	faults   = flag.Int("faults", 0, "how many faults TestChaos injects; 0: the short form")
	seed     = flag.Uint64("seed", 0, "seed of the first run; 0: a random one")
	parallel = flag.Int("sandboxes", 2, "how many sandboxes TestChaos uses at a time")
)

// TestChaos is what `make chaos` runs.
func TestChaos(t *testing.T) {
	if *faults == 0 {
		t.Skip("give -faults, or run `make chaos`")
	}
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1 << 40)
	}
	fmt.Printf("seed %d: %d faults in %d sandboxes; `make chaos SEED=%d` does the same again\n\n", first, *faults, *parallel, first)
	table := NewTable(os.Stdout)
	defer table.Sum()
	var next atomic.Uint64
	t.Run("runs", func(t *testing.T) {
		for i := range *parallel {
			t.Run(fmt.Sprintf("sandbox %d", i+1), func(t *testing.T) {
				t.Parallel()
				cycle := uint64(len(operations()))
				site := newSite(t)
				for table.Happened() < *faults {
					block := next.Add(1) - 1
					for s := first + block*cycle; s < first+(block+1)*cycle && table.Happened() < *faults; s++ {
						site.test(t, PlanRun(s), table)
					}
				}
				site.SecretsStaySecret(t)
			})
		}
	})
}

// TestSomeFaults is the short form: ten faults of a first deployment and of its teardown.
func TestSomeFaults(t *testing.T) {
	if *faults > 0 {
		t.Skip("TestChaos does more")
	}
	table := NewTable(os.Stdout)
	defer table.Sum()
	site := newSite(t)
	site.references[Nothing] = site.fingerprint(t)
	site.references[Deployed] = nil // takes an undisturbed deployment; judged instead is what another one changes
	site.test(t, PlanRun(700), table)
	site.test(t, PlanRun(25), table)
	site.SecretsStaySecret(t)
}
