// Package display shows boards and reports on terminals. What is done is decided elsewhere.
package display

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Style says how to write.
type Style struct {
	Width int  // columns; longer lines are cut
	Color bool // ANSI colours
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

// Table is the board as lines.
func Table(v operations.View, now time.Time, style Style) []string {
	lines := []string{cut(headline(v.Status, now), style.Width)}
	width := 0
	for _, row := range v.Status.Steps {
		width = max(width, len(row.Name))
	}
	for _, row := range v.Status.Steps {
		l := looks(row)
		took := ""
		if row.Started != nil {
			took = fmt.Sprintf("%.1fs", row.Elapsed(now).Seconds())
		}
		text := fmt.Sprintf("  %s %-*s %8s  %s", l.sign, width, row.Name, took, note(row, v.Doing[row.Name], v.Status))
		lines = append(lines, paint(cut(strings.TrimRight(text, " "), style.Width), l.color, style.Color))
	}
	for _, line := range Next(v.Status) {
		lines = append(lines, wrap(line, style.Width)...)
	}
	return lines
}

func headline(s workflows.Status, now time.Time) string {
	end := now
	if s.Ended != nil {
		end = *s.Ended
	}
	state := s.Phase
	if s.Outcome != "" {
		state = s.Outcome
	}
	return fmt.Sprintf("%s %s: %s, %.1fs", s.Operation, s.Environment, state, end.Sub(s.Started).Seconds())
}

// note says what a person wants to know of a step in its state: what it waits for, does, found or failed with.
func note(row workflows.StepStatus, doing string, s workflows.Status) string {
	first := func(text string) string { line, _, _ := strings.Cut(text, "\n"); return line }
	switch row.State {
	case workflows.StateWaiting:
		return waits(row, s)
	case workflows.StateRunning:
		if doing != "" {
			return first(doing)
		}
		return row.Summary
	case workflows.StateUndoing:
		return strings.TrimSuffix("undoing; "+first(doing), "; ")
	case workflows.StateFailed, workflows.StateUndoFailed:
		return first(row.Error)
	case workflows.StatePaused:
		return "paused: " + first(row.Error)
	case workflows.StateAwaitingApproval:
		return row.State + ": " + row.Summary
	case workflows.StateUndone:
		if row.Error != "" {
			return "undone; had failed: " + first(row.Error)
		}
		return "undone"
	case workflows.StateCancelled:
		return "cancelled"
	default:
		return first(row.Note)
	}
}

// Diagnosis is all that is known of what went wrong, which the table cuts to a line per step. It is empty if nothing did.
func Diagnosis(s workflows.Status) string {
	if s.Error != "" {
		return s.Error
	}
	var all []string
	for _, row := range s.Steps {
		if row.Error != "" && row.State != workflows.StateSkipped {
			all = append(all, row.Name+": "+row.Error)
		}
	}
	return strings.Join(all, "\n")
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

func cut(text string, width int) string {
	if width <= 1 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

func paint(text, color string, on bool) string {
	if !on {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
