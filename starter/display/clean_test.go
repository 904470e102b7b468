package display

import (
	"bytes"
	"fmt"
	"testing"
)

func TestNothingPassesACleanedWriterThatATerminalObeys(t *testing.T) {
	for text, want := range map[string]string{
		"plain, ünïcode 漢字 🙂\n\tand a tab":   "plain, ünïcode 漢字 🙂\n\tand a tab",
		"\x1b[2Jgone\x1b[31m red":            "gone red",
		"\x1b]0;title\x07rest":               "rest",
		"\x1b]8;;http://evil.test\x1b\\link": "link",
		"a\rb\bc\x7fd":                       "abcd",
		"c1 \u009b31m":                       "c1 31m",
		"\u202egnp.exe":                      "gnp.exe",
	} {
		var whole, pieces bytes.Buffer
		if n, err := fmt.Fprint(Cleaned(&whole), text); err != nil || n != len(text) {
			t.Errorf("wrote %d of %d: %v", n, len(text), err)
		}
		if whole.String() != want {
			t.Errorf("%q becomes %q, want %q", text, whole.String(), want)
		}
		out := Cleaned(&pieces)
		for i := range len(text) {
			_, _ = out.Write([]byte{text[i]})
		}
		for _, r := range pieces.String() {
			if r == '\x1b' || r == '\u009b' || r == '\u202e' || r == '\r' || r == '\ufffd' {
				t.Errorf("%q, byte by byte, becomes %q", text, pieces.String())
			}
		}
	}
}
