package board

import (
	"time"

	"lockstep/activities"
)

// Phases of an operation.
const (
	PhaseRunning          = "running"
	PhasePaused           = "paused"            // a failed step waits for an operator, at least
	PhaseAwaitingApproval = "awaiting-approval" // a step waits for its approval, and none is paused
	PhaseCompensating     = "compensating"
	PhaseEnded            = "ended"
)

// Outcomes of an operation.
const (
	OutcomeDone       = "done"
	OutcomeRolledBack = "rolled-back" // failed, cancelled or given up by an operator, and all that the run did is undone
	OutcomeFailed     = "failed"      // failed, and what the run did is still there, all or in part
	OutcomeRefused    = "refused"     // there was nothing to do it to; nothing was changed
	OutcomeDrifted    = "drifted"     // what is there is not as the environment file says; nothing was changed
	OutcomeSkipped    = "skipped"     // it was due by a schedule, but another ran on the environment
)

// Application error types with which an operation ends.
const (
	TypeRolledBack = "RolledBack" // it failed and all that the run did is undone
	TypeFailed     = "Failed"     // it failed and what the run did is still there, all or in part
)

// States of a step.
const (
	StateWaiting          = "waiting"
	StateAwaitingApproval = "awaiting-approval"
	StateRunning          = "running"
	StateDone             = "done"
	StatePaused           = "paused" // failed, and an operator decides what follows
	StateSkipped          = "skipped"
	StateFailed           = "failed"
	StateCancelled        = "cancelled"
	StateUndoing          = "undoing"
	StateUndone           = "undone"
	StateUndoFailed       = "undo-failed"
)

// QueryStatus is the query that every operation answers with a [Status].
const QueryStatus = "status"

// Status is the board of an operation.
type Status struct {
	Environment string                `json:"environment"`
	Operation   string                `json:"operation"`
	Phase       string                `json:"phase"`
	Outcome     string                `json:"outcome,omitempty"` // empty until the operation has ended
	Started     time.Time             `json:"started"`
	Ended       *time.Time            `json:"ended,omitempty"`
	Error       string                `json:"error,omitempty"`
	Child       string                `json:"child,omitempty"` // the workflow that does the work, when it is not this one
	Steps       []StepStatus          `json:"steps"`
	Decisions   []activities.Decision `json:"decisions,omitempty"` // of operators, in order
	Links       []activities.Address  `json:"links,omitempty"`     // the consoles of what was deployed
}

// StepStatus is one row of the board.
type StepStatus struct {
	Name    string     `json:"name"`
	Summary string     `json:"summary"`
	Needs   []string   `json:"needs,omitempty"`
	State   string     `json:"state"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	Note    string     `json:"note,omitempty"`
	Error   string     `json:"error,omitempty"`
	// Until is when nobody is waited for any more, of a step that is paused or awaits its approval.
	Until *time.Time `json:"until,omitempty"`
	// Skippable says why the operation is sound without this step; empty if it is not.
	Skippable string `json:"skippable,omitempty"`
}

// Elapsed is how long the step took, or has taken so far.
func (s StepStatus) Elapsed(now time.Time) time.Duration {
	switch {
	case s.Started == nil:
		return 0
	case s.Ended == nil:
		return now.Sub(*s.Started)
	default:
		return s.Ended.Sub(*s.Started)
	}
}

// In lists the steps that are in a state.
func (s Status) In(state string) (names []string) {
	for _, row := range s.Steps {
		if row.State == state {
			names = append(names, row.Name)
		}
	}
	return names
}
