package board

import (
	"strings"
	"testing"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
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

func TestNothingThatPeopleTypeBecomesALink(t *testing.T) {
	for text, want := range map[string]string{
		"[a](http://evil.test)":    `\[a\](http://evil.test)`,
		`\[a](http://evil.test)`:   `\\\[a\](http://evil.test)`,
		`\\[a](http://evil.test)`:  `\\\\\[a\](http://evil.test)`,
		`![a](x) <b> \| y` + "\nz": `!\[a\](x) &lt;b> \\\| y<br>z`,
	} {
		if got := cell(text); got != want {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
	child := workflow.Execution{ID: "environment/x](http://evil.test) [y", RunID: "r"}
	if got := Delegated("a) b", child, nil); strings.Contains(strings.ReplaceAll(got, `\]`, ""), "](http") || strings.Contains(got, " [y") || !strings.Contains(got, "/namespaces/a%29%20b/workflows/environment%2Fx") {
		t.Errorf("got %s", got)
	}
	board := Markdown(Status{Environment: "[e](http://evil.test)", Operation: "Deploy", Outcome: OutcomeDone,
		Decisions: []activities.Decision{{What: "skip", Step: "[s](http://evil.test)"}}, Links: []activities.Address{{Name: "[n", URL: "https://a.test/) [x](http://evil.test"}}})
	if strings.Contains(board, "[e]") && !strings.Contains(board, `\[e\]`) || !strings.Contains(board, `\[s\]`) || strings.Contains(board, ") [x]") {
		t.Errorf("got %s", board)
	}
}
