package operation

import (
	"os"
	"strings"
	"testing"
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDocumentationHasEveryOperation(t *testing.T) {
	operations, api, schedules, access := page(t, "operations.md"), page(t, "api.md"), page(t, "schedules.md"), page(t, "api-access.md")
	for _, o := range All() {
		_, section, there := strings.Cut(operations, "\n## "+o.Verb+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		if !there {
			t.Errorf("docs/operations.md has no section on %s", o.Verb)
		}
		for _, option := range o.Options {
			if !strings.Contains(section, "`--"+option.Name) && !strings.Contains(section, "--"+option.Name+"`") && !strings.Contains(section, "`"+option.Name+"`") {
				t.Errorf("docs/operations.md does not say of %s what %s does", o.Verb, option.Name)
			}
			if !strings.Contains(api, "`"+option.Name+"`") {
				t.Errorf("docs/api.md does not name option %s of %s", option.Name, o.Verb)
			}
			if o.Schedulable() && !strings.Contains(schedules, "`"+option.Name+"`") {
				t.Errorf("docs/schedules.md does not name option %s of %s", option.Name, o.Verb)
			}
		}
		if o.Schedulable() && !strings.Contains(schedules, "`"+o.Verb+"`") {
			t.Errorf("docs/schedules.md does not name %s", o.Verb)
		}
		if !strings.Contains(row(access, "| `"+o.Role+"` |"), o.Verb) {
			t.Errorf("docs/api-access.md does not say that %s may start %s", o.Role, o.Verb)
		}
	}
}

// row is the line of a table that begins so.
func row(text, begins string) string {
	_, line, _ := strings.Cut(text, "\n"+begins)
	line, _, _ = strings.Cut(line, "\n")
	return line
}
