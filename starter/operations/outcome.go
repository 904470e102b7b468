package operations

import (
	"fmt"

	"lockstep/workflows/board"
)

// Outcomes that an operation may have that has ended.
func Outcomes() []string {
	return []string{board.OutcomeDone, board.OutcomeRolledBack, board.OutcomeFailed, board.OutcomeRefused, board.OutcomeDrifted,
		OutcomeCancelled, OutcomeTerminated, OutcomeTimedOut}
}

// ended is the condition of Temporal's index for an outcome. Those that an operation could not say itself are in Temporal's own status.
func ended(outcome string) string {
	said := fmt.Sprintf("Outcome = %q", outcome)
	switch outcome {
	case board.OutcomeDone:
		return fmt.Sprintf("(%s OR (Outcome IS NULL AND ExecutionStatus = 'Completed'))", said)
	case board.OutcomeRefused:
		return fmt.Sprintf("(%s OR (Outcome IS NULL AND ExecutionStatus = 'Failed'))", said)
	case OutcomeCancelled:
		return "(Outcome IS NULL AND ExecutionStatus = 'Canceled')"
	case OutcomeTerminated:
		return "(Outcome IS NULL AND ExecutionStatus = 'Terminated')"
	case OutcomeTimedOut:
		return "(Outcome IS NULL AND ExecutionStatus = 'TimedOut')"
	}
	return said
}

// Fits says whether an operation is one of those that q picks.
func (q Query) Fits(o Operation) bool {
	return (q.Environment == "" || q.Environment == o.Environment) && (q.Operation == "" || q.Operation == o.Operation) &&
		(q.Outcome == "" || q.Outcome == o.Outcome) && (q.Before.IsZero() || o.Started.Before(q.Before))
}
