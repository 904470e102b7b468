package board

import (
	"strings"
	"testing"
)

func TestWhatComesFromElsewhereStaysInItsBlock(t *testing.T) {
	for _, text := range []string{"plain", "```\n[a link](http://evil.test)\n```", "````\nmore"} {
		said := strings.TrimSpace(Block(text))
		fence, inside, _ := strings.Cut(said, "\n")
		inside, closed := strings.CutSuffix(inside, "\n"+fence)
		if !closed || inside != text || strings.Contains(inside, fence) {
			t.Errorf("%q", said)
		}
	}
}
