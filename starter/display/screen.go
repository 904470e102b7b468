package display

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"lockstep/config"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Screen shows a changing board: as a live table on a terminal, as one line per change elsewhere.
type Screen struct {
	out     io.Writer
	columns func() int // nil: no terminal
	color   bool
	drawn   int // lines of the table on the terminal
	seen    map[string]string
	trouble string
	next    string
}

// NewScreen writes to out, as far as it is a terminal in the way that t says.
func NewScreen(out io.Writer, t config.Terminal) *Screen {
	s := &Screen{out: out, seen: map[string]string{}}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) || t.Dumb {
		return s
	}
	s.color = !t.NoColor
	s.columns = func() int {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 80
		}
		return width
	}
	return s
}

// Show brings the screen up to date.
func (s *Screen) Show(v operations.View, now time.Time) {
	s.trouble = ""
	if s.columns == nil {
		s.lines(v, now)
		return
	}
	s.erase()
	lines := Table(v, now, Style{Width: s.columns(), Color: s.color})
	fmt.Fprintln(s.out, strings.Join(lines, "\n"))
	s.drawn = len(lines)
}

// Trouble says once why there is nothing new to show.
func (s *Screen) Trouble(text string) {
	if text == s.trouble {
		return
	}
	s.trouble = text
	s.erase()
	fmt.Fprintln(s.out, text)
}

// Close leaves what is shown where it is.
func (s *Screen) Close() { s.drawn = 0 }

func (s *Screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn)
		s.drawn = 0
	}
}

func (s *Screen) lines(v operations.View, now time.Time) {
	for _, row := range v.Status.Steps {
		text := row.State
		if row.State == workflows.StateWaiting {
			continue
		}
		if row.State == workflows.StateDone {
			text = fmt.Sprintf("done in %.1fs", row.Elapsed(now).Seconds())
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
