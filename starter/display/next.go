package display

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Next are the lines about an operation that waits for a decision: until when, and the commands that go on.
func Next(s workflows.Status) []string {
	commands := operations.Commands(s)
	if len(commands) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("Waits for a decision until %s, then rolls back:", until(s).Local().Format(time.DateTime))}
	for _, command := range commands {
		lines = append(lines, "  "+command)
	}
	return lines
}

// until is when the first step that waits is given up.
func until(s workflows.Status) time.Time {
	var all []time.Time
	for _, row := range s.Steps {
		if row.Until != nil {
			all = append(all, *row.Until)
		}
	}
	return slices.MinFunc(all, time.Time.Compare)
}

// wrap breaks a line at spaces, so that nothing of it is lost on a narrow terminal.
func wrap(line string, width int) (lines []string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	rest := ""
	for _, word := range strings.Fields(line) {
		switch {
		case rest == "":
			rest = indent + word
		case width > 1 && len([]rune(rest))+1+len([]rune(word)) > width:
			lines = append(lines, cut(rest, width))
			rest = indent + "  " + word
		default:
			rest += " " + word
		}
	}
	return append(lines, cut(rest, width))
}
