package world

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryNeedleIsFoundWhereverItIs(t *testing.T) {
	n := newNeedles(map[string][]byte{"short": []byte("12345678"), "long": []byte("12345678abcdef"), "other": []byte("zzzzzzzzz")})
	for text, want := range map[string][]string{
		"":                 nil,
		"1234567":          nil,
		"12345678":         {"short"},
		"--12345678abcdeX": {"short"},
		strings.Repeat("x", 99) + "12345678abcdef": {"long", "short"},
		"zzzzzzzz":          nil,
		"zzzzzzzzz12345678": {"other", "short"},
	} {
		if diff := cmp.Diff(want, n.in([]byte(text)), Sorted); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}
