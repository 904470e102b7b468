package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lockstep/config/step"
)

func TestTheDocumentedMatrixIsTheOneThatIsTested(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "rollback.md"))
	if err != nil {
		t.Fatal(err)
	}
	if table := documented(cells()); !strings.Contains(string(text), table) {
		t.Errorf("docs/rollback.md lacks this table:\n%s", table)
	}
}

// documented is the table, in Markdown.
func documented(cells []cell) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| step | from %s |\n|---|%s\n", strings.Join(starts(), " | from "), strings.Repeat("---|", len(starts())))
	var done []string
	for _, c := range cells {
		if slices.Contains(done, c.step) {
			continue
		}
		done = append(done, c.step)
		fmt.Fprintf(&out, "| %s |", c.step)
		for _, start := range starts() {
			i := slices.IndexFunc(cells, func(other cell) bool { return other.step == c.step && other.start == start })
			fmt.Fprintf(&out, " %s |", cells[i].how)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

func TestEveryStepOfADeploymentFailsFromEveryStart(t *testing.T) {
	all := cells()
	for _, name := range step.Deployment() {
		for _, start := range starts() {
			if !slices.ContainsFunc(all, func(c cell) bool { return c.step == name && c.start == start }) {
				t.Errorf("no cell %s from %s", name, start)
			}
		}
	}
}
