package display

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"lockstep/config/settings"
	"lockstep/starter/operations"
	"lockstep/workflows/board"
)

// Screen shows a changing board: as a live table on a terminal, as one line per change elsewhere.
type Screen struct {
	out     io.Writer
	live    *live // nil: no terminal
	seen    map[string]string
	trouble string
	next    string
}

// NewScreen writes to out, as far as it is a terminal in the way that t says.
func NewScreen(out io.Writer, t settings.Terminal) *Screen {
	s := &Screen{out: out, seen: map[string]string{}}
	file, ok := behind(out).(*os.File)
	if !ok || t.Dumb || t.CI || !term.IsTerminal(int(file.Fd())) {
		return s
	}
	s.live = &live{out: file, color: !t.NoColor, size: func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil || columns < 2 || rows < 2 {
			return 80, 24
		}
		return columns, rows
	}}
	return s
}

// Show brings the screen up to date.
func (s *Screen) Show(v operations.View, now time.Time) {
	s.trouble = ""
	if s.live != nil {
		s.live.show(v, now)
		return
	}
	s.lines(v, now)
}

// End shows the whole board for the last time, however low the terminal is, and leaves it where it is.
func (s *Screen) End(v operations.View, now time.Time) {
	if s.live != nil {
		s.live.end(v, now)
		return
	}
	s.lines(v, now)
}

// Trouble says once why there is nothing new to show.
func (s *Screen) Trouble(text string) {
	if text == s.trouble {
		return
	}
	s.trouble = text
	if s.live != nil {
		s.live.add(Clean(text))
		return
	}
	fmt.Fprintln(s.out, Clean(text))
}

// Close leaves what is shown where it is.
func (s *Screen) Close() {
	if s.live != nil {
		s.live.forget()
	}
}

func (s *Screen) lines(v operations.View, now time.Time) {
	for _, row := range v.Status.Steps {
		text := row.State
		if row.State == board.StateWaiting {
			continue
		}
		if row.State == board.StateDone {
			text = "done in " + span(row.Elapsed(now))
		}
		detail := strings.TrimPrefix(note(row, v.Doing[row.Name], v.Status), row.State)
		if detail = strings.TrimLeft(detail, ":; "); detail != "" {
			text += ": " + detail
		}
		if s.seen[row.Name] != text {
			s.seen[row.Name] = text
			fmt.Fprintf(s.out, "%s %-16s %s\n", now.Format(time.TimeOnly), row.Name, text)
		}
	}
	if next := strings.Join(Next(v.Status), "\n"); s.next != next {
		s.next = next
		if next != "" {
			fmt.Fprintln(s.out, next)
		}
	}
}
