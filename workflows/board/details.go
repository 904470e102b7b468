package board

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/workflows/decision"
)

// Markdown renders the board for the Temporal UI, which shows the upper part of it: what somebody has to know or do comes first.
func Markdown(s Status) string {
	var out strings.Builder
	out.WriteString(fmt.Sprintf("**%s** of **%s**: %s", s.Operation, cell(s.Environment), s.Phase))
	if s.Outcome != "" {
		out.WriteString(fmt.Sprintf(" (%s)", s.Outcome))
	}
	out.WriteString("\n" + failures(s) + open(s) + "\n| step | state | took | note |\n|---|---|---|---|\n")
	for _, row := range s.Steps {
		out.WriteString(fmt.Sprintf("| %s | %s | %s | %s |\n", row.Name, row.State, took(row), cell(note(row))))
	}
	out.WriteString(decided(s.Decisions) + links(s))
	return out.String()
}

// links lead on from an operation that has ended well: before, nobody may answer there.
func links(s Status) string {
	if s.Outcome != OutcomeDone || len(s.Links) == 0 {
		return ""
	}
	var all []string
	for _, link := range s.Links {
		all = append(all, fmt.Sprintf("[%s](%s)", cell(link.Name), target(link.URL)))
	}
	return "\n" + strings.Join(all, " · ") + "\n"
}

// failures are what the operation ended with or, as long as it goes on, what its steps failed with.
func failures(s Status) string {
	if s.Error != "" {
		return Block(s.Error)
	}
	var out strings.Builder
	for _, row := range s.Steps {
		if row.Error != "" {
			out.WriteString(fmt.Sprintf("\n**%s** failed:\n", row.Name) + Block(row.Error))
		}
	}
	return out.String()
}

// Block is text as it is, in lines that the Temporal UI shows whole: it does not break those of a block.
func Block(text string) string {
	const width = 72
	var out strings.Builder
	for line := range strings.Lines(text) {
		column := 0
		for i, word := range strings.Split(strings.TrimSuffix(line, "\n"), " ") {
			switch {
			case i > 0 && column+len(word) >= width:
				out.WriteString("\n")
				column = 0
			case i > 0:
				out.WriteString(" ")
				column++
			}
			out.WriteString(word)
			column += len(word)
		}
		out.WriteString("\n")
	}
	fence := "```"
	for strings.Contains(text, fence) { // else what came from elsewhere would end the block, and go on as Markdown
		fence += "`"
	}
	return "\n" + fence + "\n" + out.String() + fence + "\n"
}

func took(row StepStatus) string {
	switch {
	case row.Started == nil:
		return ""
	case row.Ended == nil:
		return "since " + row.Started.UTC().Format(time.TimeOnly)
	}
	return row.Ended.Sub(*row.Started).Round(100 * time.Millisecond).String()
}

// note is one line: the whole of an error stands above.
func note(row StepStatus) string {
	if row.Error == "" {
		return row.Note
	}
	line, _, more := strings.Cut(row.Error, "\n")
	if more {
		line += " …"
	}
	return line
}

// Delegated sends the readers of a workflow that only started another one to where the work is done, and says what that failed with.
func Delegated(namespace string, child workflow.Execution, err error) string {
	details := fmt.Sprintf("The work is done by the child workflow [%s](/namespaces/%s/workflows/%s/%s/user-metadata): its board is there, and Updates go there.\n",
		cell(child.ID), part(namespace), part(child.ID), child.RunID)
	if err != nil {
		details += Block(Message(err))
	}
	return details
}

// open says which Updates go on from here, as they are typed into the Temporal UI.
func open(s Status) string {
	var out strings.Builder
	offer := func(update, input string) { out.WriteString(fmt.Sprintf("- Update `%s`: `%s`\n", update, input)) }
	for _, row := range s.Steps {
		switch row.State {
		case StatePaused:
			out.WriteString(fmt.Sprintf("\n**%s** waits until %s for a decision:\n\n", row.Name, row.Until.UTC().Format(time.RFC3339)))
			offer(decision.UpdateRetry, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
			if row.Skippable != "" {
				offer(decision.UpdateSkip, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
			}
		case StateAwaitingApproval:
			out.WriteString(fmt.Sprintf("\n**%s** waits until %s for its approval:\n\n", row.Name, row.Until.UTC().Format(time.RFC3339)))
			offer(decision.UpdateApprove, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
		}
	}
	if out.Len() > 0 {
		out.WriteString("\nOr undo what this run did:\n\n")
		offer(decision.UpdateRollback, `{"by": "…", "reason": "…"}`)
	}
	return out.String()
}

func decided(decisions []activities.Decision) string {
	if len(decisions) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("\n| decision | step | by | when | why |\n|---|---|---|---|---|\n")
	for _, d := range decisions {
		what := d.What
		if d.Changed {
			what += ", environment changed"
		}
		out.WriteString(fmt.Sprintf("| %s | %s | %s | %s | %s |\n", what, cell(d.Step), cell(decision.Who(d.By)), d.At.UTC().Format(time.RFC3339), cell(d.Reason)))
	}
	return out.String()
}

// cell keeps a text in its cell of a table, and what people typed from becoming a link, an image or HTML. A backslash would undo the
// next one.
func cell(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", "[", "\\[", "]", "\\]", "\r", "", "\n", "<br>").Replace(text)
}

// part is a text as one part of a path: workflows do without net/url.
func part(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
			out.WriteByte(b)
			continue
		}
		out.WriteString(fmt.Sprintf("%%%02X", b))
	}
	return out.String()
}

// target keeps an address from ending before its end.
func target(address string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", "\n", "%0A").Replace(address)
}
