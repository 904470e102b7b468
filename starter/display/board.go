// Package display shows boards and reports on terminals. What is done is decided elsewhere.
package display

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

// Style says how to write.
type Style struct {
	Width  int  // columns; longer lines are cut. 0: no limit
	Height int  // lines; rows that matter less are left out. 0: no limit
	Color  bool // ANSI colours
}

type look struct{ sign, color string }

func looks(row board.StepStatus) look {
	switch row.State {
	case board.StateRunning, board.StateUndoing:
		return look{"●", "36"}
	case board.StateDone:
		return look{"✓", "32"}
	case board.StateFailed, board.StateUndoFailed:
		return look{"✗", "31"}
	case board.StatePaused:
		return look{"‖", "33"}
	case board.StateAwaitingApproval:
		return look{"?", "33"}
	case board.StateSkipped:
		return look{"»", "33"}
	case board.StateUndone, board.StateCancelled:
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

func took(row board.StepStatus, now time.Time) string {
	switch {
	case row.Started == nil:
		return ""
	case row.Ended == nil:
		return sofar(row.Elapsed(now))
	}
	return span(row.Elapsed(now))
}

func decisions(s board.Status, width int) (lines []line) {
	for _, text := range Next(s) {
		for _, part := range wrap(text, width) {
			lines = append(lines, line{text: part})
		}
	}
	return lines
}

func headline(s board.Status, now time.Time) string {
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
func note(row board.StepStatus, doing string, s board.Status) string {
	return Clean(first(plainNote(row, doing, s)))
}

func plainNote(row board.StepStatus, doing string, s board.Status) string {
	switch row.State {
	case board.StateWaiting:
		return waits(row, s)
	case board.StateRunning:
		return cmp.Or(doing, row.Summary)
	case board.StateUndoing:
		return strings.TrimSuffix("undoing; "+doing, "; ")
	case board.StateFailed, board.StateUndoFailed:
		return row.Error
	case board.StatePaused:
		return "paused: " + row.Error
	case board.StateAwaitingApproval:
		return row.State + ": " + row.Summary
	case board.StateUndone:
		if row.Error != "" {
			return "undone; it failed: " + row.Error
		}
		return "undone"
	case board.StateCancelled:
		return "cancelled"
	default:
		return row.Note
	}
}

// Diagnosis is all that is known of what went wrong, which the table cuts to a line per step. It is empty if nothing did.
func Diagnosis(s board.Status) string {
	if s.Error != "" {
		return Clean(s.Error)
	}
	var all []string
	for _, row := range s.Steps {
		if row.Error != "" && row.State != board.StateSkipped {
			all = append(all, row.Name+": "+row.Error)
		}
	}
	return Clean(strings.Join(all, "\n"))
}

func waits(row board.StepStatus, s board.Status) string {
	if s.Phase == board.PhaseCompensating || s.Phase == board.PhaseEnded {
		return "not started"
	}
	var open []string
	for _, other := range s.Steps {
		for _, need := range row.Needs {
			if other.Name == need && other.State != board.StateDone && other.State != board.StateSkipped {
				open = append(open, need)
			}
		}
	}
	if len(open) == 0 {
		return "starts next"
	}
	return "waits for " + strings.Join(open, ", ")
}
