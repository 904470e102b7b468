package display

import (
	"fmt"
	"slices"
	"time"

	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

// Next are the lines about an operation that waits for a decision: until when, and the commands that go on.
func Next(s board.Status) []string {
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
func until(s board.Status) time.Time {
	var all []time.Time
	for _, row := range s.Steps {
		if row.Until != nil {
			all = append(all, *row.Until)
		}
	}
	return slices.MinFunc(all, time.Time.Compare)
}
