package display

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// columns are how many a text takes on a terminal: none for what combines with the character before, two for wide ones.
func columns(text string) (n int) {
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to some columns; 0 is no limit.
func cut(text string, limit int) string {
	if limit <= 1 || columns(text) <= limit {
		return text
	}
	taken := 0
	for i, r := range text {
		if taken+columnsOf(r) > limit-1 {
			return text[:i] + "…"
		}
		taken += columnsOf(r)
	}
	return text
}

// pad fills a text up to some columns.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-columns(text)))
}

// wrap breaks a line at spaces, so that nothing of it is lost on a narrow terminal.
func wrap(line string, limit int) (lines []string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	rest := ""
	for _, word := range strings.Fields(line) {
		switch {
		case rest == "":
			rest = indent + word
		case limit > 1 && columns(rest)+1+columns(word) > limit:
			lines = append(lines, cut(rest, limit))
			rest = indent + "  " + word
		default:
			rest += " " + word
		}
	}
	return append(lines, cut(rest, limit))
}

func first(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// span is a duration as people say it: tenths of a second where they matter, no seconds beside hours.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

// sofar is how long something has taken that goes on. It changes once a second at most.
func sofar(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return span(d.Truncate(time.Second))
}

func paint(text, color string, on bool) string {
	if !on || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
