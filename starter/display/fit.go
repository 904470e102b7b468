package display

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lockstep/workflows/board"
)

// rank says how much a row matters to who has not the room to see all.
func rank(row board.StepStatus) int {
	switch row.State {
	case board.StateFailed, board.StateUndoFailed, board.StatePaused, board.StateAwaitingApproval:
		return 0
	case board.StateRunning, board.StateUndoing:
		return 1
	case board.StateWaiting:
		return 3
	}
	if row.Error != "" {
		return 2
	}
	return 4
}

// urgent is the last rank that decisions do not push out.
const urgent = 1

// fit leaves out the rows that matter least, and says how many: a table that is higher than the terminal would scroll with each
// change. Where the commands do not fit beside what is urgent, one that shows them stands for them.
func fit(s board.Status, body, next []line, style Style) (kept, commands []line) {
	must := len(slices.DeleteFunc(slices.Clone(body), func(l line) bool { return l.rank > urgent }))
	if len(next) > 0 && 2+must+len(next) > style.Height {
		next = []line{{text: cut(fmt.Sprintf("Waits for a decision: `lockstep status %s`", s.Environment), style.Width)}}
	}
	room := style.Height - 1 - len(next)
	if len(body) <= room {
		return body, next
	}
	kept = most(body, room-1)
	hidden := line{text: cut(left(s, body, kept), style.Width), color: looks(board.StepStatus{}).color}
	return append(kept, hidden), next
}

// most are the n rows that matter most, in their order. Of those that ended, the last ones do.
func most(body []line, n int) []line {
	order := make([]int, len(body))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if body[a].rank == body[b].rank && body[a].rank > 3 {
			return b - a
		}
		return cmp.Or(body[a].rank-body[b].rank, a-b)
	})
	order = order[:min(max(n, 0), len(order))]
	slices.Sort(order)
	var kept []line
	for _, i := range order {
		kept = append(kept, body[i])
	}
	return kept
}

// left says how many rows are not shown, by state.
func left(s board.Status, body, kept []line) string {
	var states []string
	count := map[string]int{}
	at := 0
	for i, row := range s.Steps {
		if at < len(kept) && kept[at] == body[i] {
			at++
			continue
		}
		if count[row.State] == 0 {
			states = append(states, row.State)
		}
		count[row.State]++
	}
	for i, state := range states {
		states[i] = fmt.Sprintf("%d %s", count[state], state)
	}
	return fmt.Sprintf("  … %d more: %s", len(body)-len(kept), strings.Join(states, ", "))
}
