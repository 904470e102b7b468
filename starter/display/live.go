package display

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lockstep/starter/operations"
)

// live is a table on a terminal that is drawn over itself. The terminal's last column and line stay free: what reaches them wraps or
// scrolls.
type live struct {
	out   io.Writer
	size  func() (columns, rows int)
	color bool

	table []line // as it was last shown
	drawn []line // what is on the terminal, above the cursor
	wide  int    // columns of the terminal then
	frame string
}

func (l *live) show(v operations.View, now time.Time) {
	columns, rows := l.size()
	l.table = table(v, now, Style{Width: columns - 1, Height: rows - 1})
	l.draw(l.table)
}

func (l *live) end(v operations.View, now time.Time) {
	columns, _ := l.size()
	l.draw(table(v, now, Style{Width: columns - 1}))
	l.forget()
}

// add puts a text below the table, which may be out of date then.
func (l *live) add(text string) {
	columns, rows := l.size()
	var lines []line
	for _, part := range wrap(text, columns-1) {
		lines = append(lines, line{text: part, color: "33"})
	}
	lines = lines[:min(len(lines), rows-1)]
	above := l.table[:min(len(l.table), rows-1-len(lines))]
	l.draw(slices.Concat(above, lines))
}

func (l *live) forget() { l.table, l.drawn, l.frame = nil, nil, "" }

// draw writes the lines over those before, in one piece, so that nothing flickers. What is the same already is not written again.
func (l *live) draw(lines []line) {
	columns, rows := l.size()
	var frame strings.Builder
	for _, one := range lines {
		frame.WriteString(paint(one.text, one.color, l.color) + "\x1b[K\n")
	}
	if frame.String() == l.frame && columns == l.wide {
		return
	}
	fmt.Fprint(l.out, l.home(columns, rows)+frame.String()+"\x1b[J")
	l.drawn, l.wide, l.frame = lines, columns, frame.String()
}

// home moves to the first line of the table. Terminals that became narrower have wrapped its lines, which take more of theirs then.
func (l *live) home(wide, rows int) string {
	up := 0
	for _, one := range l.drawn {
		up += max(1, (columns(one.text)+wide-1)/wide)
	}
	up = min(up, rows-1)
	switch {
	case len(l.drawn) == 0:
		return ""
	case wide != l.wide:
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", up)
	}
	return fmt.Sprintf("\r\x1b[%dA", up)
}
