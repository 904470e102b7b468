package chaos

import (
	"fmt"
	"strings"
	"testing"
)

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
				table.Explain(result, s.Dir)
			}
		}()
		s.run(t, &result)
	})
}
