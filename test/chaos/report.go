package chaos

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Ending is how a run ended.
type Ending string

// Endings. Every other is a failure.
const (
	AsWithout Ending = "as without the fault"
	Undone    Ending = "undone"
	Wrong     Ending = "FAILED"
)

// Result is what became of a run.
type Result struct {
	Run      Run
	Injected []Injected
	Ending   Ending
	Why      string // of a failure
	Took     time.Duration
}

// Injected is what became of a fault.
type Injected struct {
	Fault
	Missed bool   // its moment did not come
	Seen   string // what it met
}

// Plan is a run's faults in words, as a failure shows them.
func (r Run) Plan() string {
	var out strings.Builder
	fmt.Fprintf(&out, "seed %d: %s\n", r.Seed, r.Operation.Name)
	for _, f := range r.Faults {
		fmt.Fprintf(&out, "  %-8s %s, %s\n", f.ID, f.Kind, f.Where())
	}
	return out.String()
}

// test is one run as a test. A run that fails says what reproduces it.
func (s *site) test(t *testing.T, r Run, table *Table) {
	t.Helper()
	t.Run(fmt.Sprintf("seed %d, %s", r.Seed, r.Operation.Name), func(t *testing.T) {
		result := Result{Run: r, Ending: Wrong}
		defer func() {
			if t.Failed() {
				result.Ending, s.now = Wrong, ""
			}
			table.Add(result)
			if t.Failed() {
				table.Explain(result, s.Dir())
			}
		}()
		s.run(t, &result)
	})
}
