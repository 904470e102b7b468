package workflows

import (
	"fmt"
	"strings"
	"time"

	"lockstep/activities"
)

// markdown renders the board for the Temporal UI.
func markdown(s Status) string {
	var out strings.Builder
	out.WriteString(fmt.Sprintf("**%s** of **%s**: %s", s.Operation, s.Environment, s.Phase))
	if s.Outcome != "" {
		out.WriteString(fmt.Sprintf(" (%s)", s.Outcome))
	}
	out.WriteString("\n\n| step | state | took | note |\n|---|---|---|---|\n")
	for _, row := range s.Steps {
		took := ""
		if row.Started != nil && row.Ended != nil {
			took = row.Ended.Sub(*row.Started).Round(100 * time.Millisecond).String()
		}
		note := row.Note
		if row.Error != "" {
			note = row.Error
		}
		out.WriteString(fmt.Sprintf("| %s | %s | %s | %s |\n", row.Name, row.State, took, cell(note)))
	}
	out.WriteString(open(s) + decided(s.Decisions))
	if s.Error != "" {
		out.WriteString(fmt.Sprintf("\n```\n%s\n```\n", s.Error))
	}
	return out.String()
}

// open says which Updates go on from here, as they are typed into the Temporal UI.
func open(s Status) string {
	var out strings.Builder
	offer := func(update, input string) { out.WriteString(fmt.Sprintf("- Update `%s`: `%s`\n", update, input)) }
	for _, row := range s.Steps {
		switch row.State {
		case StatePaused:
			out.WriteString(fmt.Sprintf("\n**%s** waits until %s for a decision:\n\n", row.Name, row.Until.UTC().Format(time.RFC3339)))
			offer(UpdateRetry, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
			if row.Skippable != "" {
				offer(UpdateSkip, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
			}
		case StateAwaitingApproval:
			out.WriteString(fmt.Sprintf("\n**%s** waits until %s for its approval:\n\n", row.Name, row.Until.UTC().Format(time.RFC3339)))
			offer(UpdateApprove, fmt.Sprintf(`{"step": %q, "by": "…", "reason": "…"}`, row.Name))
		}
	}
	if out.Len() > 0 {
		out.WriteString("\nOr undo what this run did:\n\n")
		offer(UpdateRollback, `{"by": "…", "reason": "…"}`)
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
		out.WriteString(fmt.Sprintf("| %s | %s | %s | %s | %s |\n", what, d.Step, cell(someone(d.By)), d.At.UTC().Format(time.RFC3339), cell(d.Reason)))
	}
	return out.String()
}

func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", "<br>").Replace(text)
}
