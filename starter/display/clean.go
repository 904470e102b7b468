package display

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

var sequences = regexp.MustCompile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?)")

// Clean takes out of a text what would move the cursor, change colours or hide something: texts quote logs of programs.
func Clean(text string) string {
	return strings.ReplaceAll(harmless(text), "\t", " ")
}

// harmless is Clean that leaves tabs, which programs may have for what they print for other programs.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return -1
		}
		return r
	}, sequences.ReplaceAllString(text, ""))
}

// Cleaned is a writer through which nothing of that reaches out: names, reasons and errors come from files and servers of others. Only
// the live table of a [Screen] passes it by, because it moves the cursor.
func Cleaned(out io.Writer) io.Writer { return &cleaned{out: out} }

type cleaned struct {
	out io.Writer

	mu   sync.Mutex
	rest []byte // of a character that has not come whole
}

// Write implements [io.Writer]. It takes all of p, whatever it leaves out.
func (c *cleaned) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := append(c.rest, p...)
	whole := len(text)
	for back := 1; back < utf8.UTFMax && back <= len(text); back++ {
		if start := len(text) - back; utf8.RuneStart(text[start]) {
			if !utf8.FullRune(text[start:]) {
				whole = start
			}
			break
		}
	}
	c.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(c.out, harmless(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// behind is what is behind a cleaned writer.
func behind(out io.Writer) io.Writer {
	if c, ok := out.(*cleaned); ok {
		return c.out
	}
	return out
}
