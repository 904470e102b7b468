package chaos

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Table prints what became of runs as they end, and sums it up.
type Table struct {
	mu      sync.Mutex
	out     io.Writer
	results []Result
}

// NewTable begins a table.
func NewTable(out io.Writer) *Table {
	t := &Table{out: out}
	t.line("seed", "operation", "fault", "where", "what it met", "ended")
	t.line("---", "---", "---", "---", "---", "---")
	return t
}

func (t *Table) line(cells ...string) {
	for i := range cells {
		cells[i] = strings.NewReplacer("|", "\\|", "\n", " ").Replace(cells[i])
	}
	fmt.Fprintf(t.out, "| %s |\n", strings.Join(cells, " | "))
}

// Add prints the rows of a run.
func (t *Table) Add(r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.results = append(t.results, r)
	for _, f := range r.Injected {
		seen := f.Seen
		if f.Missed {
			seen = "its moment did not come"
		}
		t.line(fmt.Sprint(r.Run.Seed), r.Run.Operation.Name, string(f.Kind), f.Where(), seen, string(r.Ending))
	}
	if len(r.Injected) == 0 {
		t.line(fmt.Sprint(r.Run.Seed), r.Run.Operation.Name, "", "", "", string(r.Ending))
	}
}

// Explain says what a failed run was and how to have it again.
func (t *Table) Explain(r Result, dir string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "\nFAILED: %s\n%s\nTo plan the same again: make chaos SEED=%d FAULTS=1. The sandbox's logs stay in %s/logs.\n\n", r.Run.Plan(), r.Why, r.Run.Seed, dir)
}

// Happened is how many faults have happened so far.
func (t *Table) Happened() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.results {
		n += len(r.happened())
	}
	return n
}

func (r Result) happened() []Injected {
	return slices.DeleteFunc(slices.Clone(r.Injected), func(f Injected) bool { return f.Missed || !f.Kind.Counts() })
}

// Sum prints how the runs ended by kind of fault, and by operation.
func (t *Table) Sum() {
	t.mu.Lock()
	defer t.mu.Unlock()
	byKind, byOperation := map[string]map[Ending]int{}, map[string]map[Ending]int{}
	count := func(in map[string]map[Ending]int, key string, e Ending) {
		if in[key] == nil {
			in[key] = map[Ending]int{}
		}
		in[key][e]++
	}
	var took time.Duration
	for _, r := range t.results {
		took += r.Took
		count(byOperation, r.Run.Operation.Name, r.Ending)
		for _, f := range r.happened() {
			count(byKind, string(f.Kind), r.Ending)
		}
	}
	for _, table := range []struct {
		title string
		rows  map[string]map[Ending]int
	}{{"fault", byKind}, {"operation", byOperation}} {
		fmt.Fprintln(t.out)
		t.line(table.title, "number", string(AsWithout), string(Undone), string(Wrong))
		t.line("---", "--:", "--:", "--:", "--:")
		total := map[Ending]int{}
		for _, key := range slices.Sorted(maps.Keys(table.rows)) {
			t.row(key, table.rows[key])
			for e, n := range table.rows[key] {
				total[e] += n
			}
		}
		t.row("all", total)
	}
	if len(t.results) > 0 {
		fmt.Fprintf(t.out, "\n%d runs of %v each\n", len(t.results), (took / time.Duration(len(t.results))).Round(time.Second))
	}
}

func (t *Table) row(key string, ends map[Ending]int) {
	t.line(key, fmt.Sprint(ends[AsWithout]+ends[Undone]+ends[Wrong]), fmt.Sprint(ends[AsWithout]), fmt.Sprint(ends[Undone]), fmt.Sprint(ends[Wrong]))
}
