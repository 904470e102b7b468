// Package matrix makes every step of a deployment fail for good, from every starting state, and holds the world after the rollback
// against the world before: the cluster object by object, the registry, and what the products know.
package matrix

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"lockstep/test/world"
)

// all asks for every cell: make matrix. Without it each step fails once, from starting states that take turns.
var all = flag.Bool("all", false, "every step from every starting state")

// only picks cells by a part of their name.
var only = flag.String("only", "", "only the cells whose name holds one of these, between commas")

func TestEveryFailedDeploymentLeavesTheWorldAsItWas(t *testing.T) {
	w := world.Start(t)
	ownsGatewayCRDs(t, w)
	w.Watch(t)
	m := &matrix{w: w}
	defer m.print(t)
	for _, c := range chosen(cells()) {
		t.Run(c.name(), func(t *testing.T) { m.run(t, c) })
	}
	if name := "an undo that fails is tried again, then reported, and the rest goes on"; *only == "" || asked(name) {
		t.Run(name, m.testFailingUndo)
	}
	if *only == "" || slices.ContainsFunc(besideCells(), func(c cell) bool { return asked(c.name()) }) {
		t.Run("beside another environment", m.testBeside)
	}
	t.Run("no secret is anywhere but in Secrets", func(t *testing.T) { w.SecretsStaySecret(t) })
}

// chosen are the cells of this run, those of one starting state after each other.
func chosen(cells []cell) []cell {
	var some []cell
	turn := map[string]int{}
	for _, c := range cells {
		turn[c.step]++
		row := slices.IndexFunc(cells, func(other cell) bool { return other.step == c.step })
		rotated := *all || turn[c.step] == 1+row/len(starts())%len(starts())
		if *only != "" && asked(c.name()) || *only == "" && rotated {
			some = append(some, c)
		}
	}
	order := starts()
	slices.SortStableFunc(some, func(a, b cell) int {
		return slices.Index(order, a.start) - slices.Index(order, b.start)
	})
	return some
}

// asked says whether -only asks for a name.
func asked(name string) bool {
	return slices.ContainsFunc(strings.Split(*only, ","), func(part string) bool { return strings.Contains(name, part) })
}

// cell is one step that fails from one starting state.
type cell struct {
	step  string
	start string
	// how it fails, and what was done to the starting state first, for docs/rollback.md.
	how string
	// before is done to the starting state first: what somebody else put in the way, or what somebody removed by hand.
	before []act
	// file is what differs in the environment's file from examples/quickstart.yaml.
	file map[string]any
	// fails makes the step fail for good. What it adds to the cluster stays until the comparison is done.
	fails []act
	// wants is what it needs of a sandbox; empty: any cluster will do.
	wants string
	// says are parts of what the operator reads.
	says []string
}

func (c cell) name() string { return c.step + " from " + c.start }

// act does something to the world, and says how to take it back, if it can be.
type act func(t testing.TB, w *world.World) (back func())

// matrix runs cells and keeps what came of them.
type matrix struct {
	w    *world.World
	at   string         // the start the world is at, "" if it is at none
	base world.Snapshot // of it
	rows []row
}

type row struct {
	cell
	said    string
	undone  bool
	differs []string
}

func (m *matrix) run(t *testing.T, c cell) {
	if c.wants != "" {
		m.w.TheSandbox(t, c.wants)
	}
	r := row{cell: c, said: "it could not be tried"}
	defer func() { m.rows = append(m.rows, r) }()
	m.reach(t, c.start)
	var back []func()
	do := func(acts []act) {
		for _, act := range acts {
			if b := act(t, m.w); b != nil {
				back = append(back, b)
			}
		}
	}
	defer func() { m.leave(t, back) }()
	do(c.before)
	do(c.fails)
	before, uid := snapshot(t, m.w)
	said := m.w.Lockstep(t, "deploy", "-f", world.File(t, m.resolved(c.file)))
	r.said, r.undone = lastLine(said.Err), said.Code == world.RolledBack
	if !r.undone {
		t.Errorf("ends with %d:\n%s", said.Code, said.Err)
	}
	said.Says(t, append(c.says, "step "+c.step+" failed")...)
	var diff string
	if r.differs, diff = differences(t, m.w, before, uid); diff != "" {
		t.Errorf("the world is not as before: %s\n%s\n%s", strings.Join(r.differs, ", "), diff, said.Err)
	}
}

// resolved fills in what only the world knows.
func (m *matrix) resolved(file map[string]any) map[string]any {
	all := with(file, nil)
	for path, value := range all {
		if of, ok := value.(func(*world.World) any); ok {
			all[path] = of(m.w)
		}
	}
	return all
}

// reach brings the world to a start, unless the last cell left it there.
func (m *matrix) reach(t *testing.T, start string) {
	if m.at == start {
		return
	}
	m.at = ""
	reach(start)(t, m.w)
	m.base, _ = snapshot(t, m.w)
	m.at = start
}

// leave takes back what a cell did, last first, and looks whether the world is at its start again.
func (m *matrix) leave(t *testing.T, back []func()) {
	for _, b := range slices.Backward(back) {
		b()
	}
	if t.Failed() {
		m.at = ""
		return
	}
	if now, _ := snapshot(t, m.w); len(m.base.Changed(now)) > 0 {
		m.at = ""
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range slices.Backward(lines) {
		if i := strings.Index(line, "step "); i >= 0 && strings.Contains(line, "failed") {
			return line[i:]
		}
	}
	return lines[len(lines)-1]
}

// print writes the table.
func (m *matrix) print(t *testing.T) {
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STEP\tSTART\tUNDONE\tDIFFERENCES\tSAID")
	for _, r := range m.rows {
		undone, differs := "yes", "none"
		if !r.undone {
			undone = "no"
		}
		if len(r.differs) > 0 {
			differs = strings.Join(r.differs, ", ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.100s\n", r.step, r.start, undone, differs, r.said)
	}
	_ = table.Flush()
	t.Logf("%d cells\n%s", len(m.rows), &out)
}
