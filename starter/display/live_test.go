package display

import (
	"bytes"
	"strings"
	"testing"

	"lockstep/workflows/board"
)

// terminal is one that understands what is drawn. Those that became narrower wrap their lines, as most do.
type terminal struct {
	columns, rows int
	lines         []string // of the visible part
	row           int
	scrolled      int
	writes        int
}

func (t *terminal) size() (int, int) { return t.columns, t.rows }

func (t *terminal) Write(p []byte) (int, error) {
	t.writes++
	text := string(p)
	for text != "" {
		var n int
		switch {
		case strings.HasPrefix(text, "\x1b[J"):
			t.lines, n = t.lines[:t.row], 3
		case strings.HasPrefix(text, "\x1b[K"), strings.HasPrefix(text, "\r"):
			n = strings.IndexAny(text, "K\r") + 1
		case strings.HasPrefix(text, "\x1b["):
			n = t.up(text)
		case text[0] == '\n':
			t.down()
			n = 1
		default:
			n = strings.IndexAny(text+"\n", "\n\x1b\r")
			t.put(text[:n])
		}
		text = text[n:]
	}
	return len(p), nil
}

func (t *terminal) up(text string) int {
	lines, n := 0, 2
	for ; text[n] != 'A'; n++ {
		lines = lines*10 + int(text[n]-'0')
	}
	t.row = max(0, t.row-lines)
	return n + 1
}

func (t *terminal) put(text string) {
	for len(t.lines) <= t.row {
		t.lines = append(t.lines, "")
	}
	t.lines[t.row] = text
}

func (t *terminal) down() {
	t.put(append(t.lines, "")[t.row])
	if t.row++; t.row == t.rows {
		t.lines, t.row = t.lines[1:], t.row-1
		t.scrolled++
	}
}

// narrow makes it so.
func (t *terminal) narrow(to int) {
	var wrapped []string
	for _, line := range t.lines {
		for columns(line) > to {
			wrapped, line = append(wrapped, string([]rune(line)[:to])), string([]rune(line)[to:])
		}
		wrapped = append(wrapped, line)
	}
	t.columns, t.lines, t.row = to, wrapped, len(wrapped)
}

func (t *terminal) wants(tt *testing.T, lines []string) {
	tt.Helper()
	if got, want := strings.Join(t.lines, "\n"), strings.Join(lines, "\n"); got != want {
		tt.Errorf("the terminal shows\n%s\nwant\n%s", got, want)
	}
}

func TestALiveTableIsDrawnOverItselfInOnePiece(t *testing.T) {
	at60 := Style{Width: 59}
	shows := &terminal{columns: 60, rows: 24}
	screen := &Screen{out: shows, live: &live{out: shows, size: shows.size}}
	screen.Show(views()["running"], *at(6))
	screen.Show(views()["running"], *at(6.4)) // nothing changed that is seen
	if shows.writes != 1 {
		t.Errorf("%d writes", shows.writes)
	}
	screen.Show(views()["running"], *at(7))
	if shows.writes != 2 {
		t.Errorf("%d writes", shows.writes)
	}
	shows.wants(t, Table(views()["running"], *at(7), at60))
	screen.Show(views()["paused"], *at(8)) // higher
	shows.wants(t, Table(views()["paused"], *at(8), at60))
	screen.Show(views()["skipped"], *at(9)) // lower
	shows.wants(t, Table(views()["skipped"], *at(9), at60))
	screen.Close()
	screen.Show(views()["done"], *at(9))
	shows.wants(t, append(Table(views()["skipped"], *at(9), at60), Table(views()["done"], *at(9), at60)...))
}

func TestATerminalThatIsMadeNarrowerKeepsNoDebris(t *testing.T) {
	shows := &terminal{columns: 100, rows: 24}
	screen := &Screen{out: shows, live: &live{out: shows, size: shows.size}}
	screen.Show(views()["undo-failed"], *at(6))
	for _, columns := range []int{40, 24, 90} {
		shows.narrow(columns)
		screen.Show(views()["undo-failed"], *at(6))
		shows.wants(t, Table(views()["undo-failed"], *at(6), Style{Width: columns - 1}))
	}
}

func TestALowTerminalDoesNotScrollUntilTheEnd(t *testing.T) {
	shows := &terminal{columns: 100, rows: 7}
	screen := &Screen{out: shows, live: &live{out: shows, size: shows.size}}
	v := large()
	for second := range 5 {
		screen.Show(v, *at(float64(150 + second)))
	}
	shows.wants(t, Table(v, *at(154), Style{Width: 99, Height: 6}))
	if shows.scrolled > 0 {
		t.Errorf("scrolled by %d lines", shows.scrolled)
	}
	v.Status.Phase, v.Status.Outcome, v.Status.Ended = board.PhaseEnded, board.OutcomeFailed, at(155)
	screen.End(v, *at(155))
	if want := len(v.Status.Steps) + 2 - shows.rows; shows.scrolled != want {
		t.Errorf("scrolled by %d lines, want %d: all of the table and no more", shows.scrolled, want)
	}
}

func TestTroubleIsToldBelowTheTableAndGoesWithIt(t *testing.T) {
	shows := &terminal{columns: 100, rows: 24}
	screen := &Screen{out: shows, live: &live{out: shows, size: shows.size}}
	before := Table(views()["running"], *at(6), Style{Width: 99})
	screen.Show(views()["running"], *at(6))
	screen.Trouble("no worker answers")
	shows.wants(t, append(before, "no worker answers"))
	screen.Trouble("Temporal is away")
	shows.wants(t, append(before, "Temporal is away"))
	screen.Show(views()["running"], *at(6))
	shows.wants(t, before)
}

func TestNoLineOfTheTableIsWiderThanTheTerminal(t *testing.T) {
	all := views()
	all["wide"], all["large"] = wide(), large()
	for name, view := range all {
		for width := 2; width < 70; width++ {
			for _, line := range Table(view, *at(6), Style{Width: width}) {
				if n := columns(line); n > width {
					t.Errorf("%s: %q has %d columns of %d; the live table would be drawn in the wrong place", name, line, n, width)
				}
			}
		}
	}
}

func TestNoTableIsHigherThanTheTerminal(t *testing.T) {
	all := views()
	all["large"] = large()
	for name, view := range all {
		for height := 3; height < 20; height++ {
			lines := Table(view, *at(6), Style{Width: 40, Height: height})
			if len(lines) > height {
				t.Errorf("%s: %d lines of %d", name, len(lines), height)
			}
		}
	}
}

func TestNothingThatIsQuotedReachesTheTerminalAsACommand(t *testing.T) {
	if got, want := Clean("a\x1b[2J\x1b]0;title\x07b\tc\r\nd\u202e"), "ab c\nd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	var out bytes.Buffer
	screen := &Screen{out: &out, seen: map[string]string{}}
	screen.Show(wide(), *at(6))
	screen.Trouble("\x1b[2Jaway")
	if strings.ContainsAny(out.String(), "\x1b\a") {
		t.Errorf("%q", out.String())
	}
}
