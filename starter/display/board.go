// Package display shows boards and reports on terminals. What is done is decided elsewhere.
package display

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Style says how to write.
type Style struct {
	Width  int  // columns; longer lines are cut. 0: no limit
	Height int  // lines; rows that matter less are left out. 0: no limit
	Color  bool // ANSI colours
}

type look struct{ sign, color string }

func looks(row workflows.StepStatus) look {
	switch row.State {
	case workflows.StateRunning, workflows.StateUndoing:
		return look{"●", "36"}
	case workflows.StateDone:
		return look{"✓", "32"}
	case workflows.StateFailed, workflows.StateUndoFailed:
		return look{"✗", "31"}
	case workflows.StatePaused:
		return look{"‖", "33"}
	case workflows.StateAwaitingApproval:
		return look{"?", "33"}
	case workflows.StateSkipped:
		return look{"»", "33"}
	case workflows.StateUndone, workflows.StateCancelled:
		if row.Error != "" {
			return look{"✗", "31"} // the one to look at stays marked
		}
		return look{"↺", "33"}
	default:
		return look{"·", "2"}
	}
}

// line is one of the table.
type line struct {
	text, color string
	rank        int // which stay where there is no room for all: the lower, the sooner
}

// Table is the board as lines.
func Table(v operations.View, now time.Time, style Style) []string {
	var painted []string
	for _, l := range table(v, now, style) {
		painted = append(painted, paint(l.text, l.color, style.Color))
	}
	return painted
}

func table(v operations.View, now time.Time, style Style) []line {
	head := line{text: cut(headline(v.Status, now), style.Width)}
	body, next := rows(v, now, style.Width), decisions(v.Status, style.Width)
	if style.Height > 0 && 1+len(body)+len(next) > style.Height {
		body, next = fit(v.Status, body, next, style)
	}
	return slices.Concat([]line{head}, body, next)
}

func rows(v operations.View, now time.Time, width int) (lines []line) {
	names := 0
	for _, row := range v.Status.Steps {
		names = max(names, columns(row.Name))
	}
	for _, row := range v.Status.Steps {
		l := looks(row)
		text := fmt.Sprintf("  %s %s %8s  %s", l.sign, pad(row.Name, names), took(row, now), note(row, v.Doing[row.Name], v.Status))
		lines = append(lines, line{cut(strings.TrimRight(text, " "), width), l.color, rank(row)})
	}
	return lines
}

func took(row workflows.StepStatus, now time.Time) string {
	switch {
	case row.Started == nil:
		return ""
	case row.Ended == nil:
		return sofar(row.Elapsed(now))
	}
	return span(row.Elapsed(now))
}

func decisions(s workflows.Status, width int) (lines []line) {
	for _, text := range Next(s) {
		for _, part := range wrap(text, width) {
			lines = append(lines, line{text: part})
		}
	}
	return lines
}

func headline(s workflows.Status, now time.Time) string {
	state, lasted := s.Phase, sofar(now.Sub(s.Started))
	if s.Ended != nil {
		lasted = span(s.Ended.Sub(s.Started))
	}
	if s.Outcome != "" {
		state = s.Outcome
	}
	return fmt.Sprintf("%s %s: %s, %s", s.Operation, s.Environment, state, lasted)
}

// note says what a person wants to know of a step in its state: what it waits for, does, found or failed with.
func note(row workflows.StepStatus, doing string, s workflows.Status) string {
	return Clean(first(plainNote(row, doing, s)))
}

func plainNote(row workflows.StepStatus, doing string, s workflows.Status) string {
	switch row.State {
	case workflows.StateWaiting:
		return waits(row, s)
	case workflows.StateRunning:
		return cmp.Or(doing, row.Summary)
	case workflows.StateUndoing:
		return strings.TrimSuffix("undoing; "+doing, "; ")
	case workflows.StateFailed, workflows.StateUndoFailed:
		return row.Error
	case workflows.StatePaused:
		return "paused: " + row.Error
	case workflows.StateAwaitingApproval:
		return row.State + ": " + row.Summary
	case workflows.StateUndone:
		if row.Error != "" {
			return "undone; had failed: " + row.Error
		}
		return "undone"
	case workflows.StateCancelled:
		return "cancelled"
	default:
		return row.Note
	}
}

// Diagnosis is all that is known of what went wrong, which the table cuts to a line per step. It is empty if nothing did.
func Diagnosis(s workflows.Status) string {
	if s.Error != "" {
		return Clean(s.Error)
	}
	var all []string
	for _, row := range s.Steps {
		if row.Error != "" && row.State != workflows.StateSkipped {
			all = append(all, row.Name+": "+row.Error)
		}
	}
	return Clean(strings.Join(all, "\n"))
}

func waits(row workflows.StepStatus, s workflows.Status) string {
	if s.Phase == workflows.PhaseCompensating || s.Phase == workflows.PhaseEnded {
		return "not begun"
	}
	var open []string
	for _, other := range s.Steps {
		for _, need := range row.Needs {
			if other.Name == need && other.State != workflows.StateDone && other.State != workflows.StateSkipped {
				open = append(open, need)
			}
		}
	}
	if len(open) == 0 {
		return "about to begin"
	}
	return "waits for " + strings.Join(open, ", ")
}
