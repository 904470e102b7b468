package diagnosis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// row is a line of the table in docs/troubleshooting.md.
type row struct {
	symptom, message, meaning, remedy string
}

// parts of the message, which the table shortens by dots.
func (r row) parts() []string {
	var parts []string
	for _, part := range strings.Split(strings.Trim(r.message, "`"), "…") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// table reads the rows, in their order.
func table(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, found := strings.Cut(string(text), "| symptom | message | meaning | remedy |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("docs/troubleshooting.md has no table of symptom, message, meaning and remedy")
	}
	var rows []row
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) != 4 {
			t.Fatalf("this row has %d cells, not 4: %s", len(cells), line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, row{cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

func TestEveryRowOfTheTroubleshootingTableHasAProvocationAndViceVersa(t *testing.T) {
	known := map[string]bool{}
	for _, p := range provocations() {
		if known[p.row] {
			t.Errorf("%q is provoked twice", p.row)
		}
		known[p.row] = true
	}
	for _, r := range table(t) {
		if !known[r.symptom] {
			t.Errorf("nothing provokes %q", r.symptom)
		}
		delete(known, r.symptom)
		if len(r.parts()) == 0 || r.meaning == "" || r.remedy == "" {
			t.Errorf("%q lacks a message, a meaning or a remedy", r.symptom)
		}
	}
	for symptom := range known {
		t.Errorf("docs/troubleshooting.md does not tell of %q", symptom)
	}
}
