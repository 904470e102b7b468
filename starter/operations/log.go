package operations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"lockstep/workflows"
	"lockstep/workflows/board"
)

// Entry is one line of the log of an operation. It holds words for people, never inputs and results.
type Entry struct {
	At       time.Time `json:"at"`
	Step     string    `json:"step,omitempty"` // empty: the whole operation
	Event    string    `json:"event"`
	Activity string    `json:"activity,omitempty"` // its type
	Attempt  int32     `json:"attempt,omitempty"`  // of the activity
	Text     string    `json:"text"`
}

// Events of the log, beside the states of steps that have ended.
const (
	EventStarted    = "started"    // the operation
	EventBegun      = "begun"      // a step
	EventScheduled  = "scheduled"  // an activity
	EventAttempt    = "attempt"    // one failed, or says how it gets on
	EventSucceeded  = "succeeded"  // an activity
	EventFailed     = "failed"     // an activity, or the operation
	EventTimedOut   = "timed-out"  // likewise
	EventCancelling = "cancelling" // likewise
	EventCancelled  = "cancelled"  // likewise
	EventPhase      = "phase"      // of the operation, another one
	EventWaits      = "waits"      // for a decision
	EventDecision   = "decision"   // was taken
	EventAnswer     = "answer"     // what follows from it
	EventWorker     = "worker"     // cannot carry on
	EventEnded      = "ended"      // the operation
)

// Log is what Temporal's history says of an operation so far, in order, and the number of its last event.
func (c Client) Log(ctx context.Context, o Operation) ([]Entry, int64, error) {
	var all []Entry
	last, err := c.read(ctx, o, false, func(_ int64, e Entry) { all = append(all, e) })
	return all, last, err
}

// FollowLog gives each entry of events after that number as it comes, until the operation has ended.
func (c Client) FollowLog(ctx context.Context, o Operation, after int64, each func(Entry)) error {
	_, err := c.read(ctx, o, true, func(event int64, e Entry) {
		if event > after {
			each(e)
		}
	})
	return err
}

func (c Client) read(ctx context.Context, o Operation, wait bool, each func(int64, Entry)) (last int64, err error) {
	history := c.GetWorkflowHistory(ctx, workflows.CanonicalID(o.Environment), o.ID, wait, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	reader := eventReader{client: c, operation: o, activities: map[int64]*attempts{}, updates: map[int64]string{}}
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			return last, unreadable(o, err)
		}
		last = event.GetEventId()
		for _, entry := range reader.read(event) {
			entry.At = cmp.Or(entry.At, event.GetEventTime().AsTime())
			each(last, entry)
		}
	}
	return last, nil
}

func unreadable(o Operation, err error) error {
	var absent *serviceerror.NotFound
	if errors.As(err, &absent) {
		return failed(Unknown, "Temporal no longer keeps the history of %s %s: `lockstep history %s` shows the operations that it keeps", o.Operation, o.ID, o.Environment)
	}
	return away(err, "reading the history of %q", o.Environment)
}

// BoardLog is what a board adds to the log: when steps began and ended and what they found, and how those under way get on.
func BoardLog(v View, now time.Time) (all []Entry) {
	for _, row := range v.Status.Steps {
		if row.Started != nil {
			all = append(all, Entry{At: *row.Started, Step: row.Name, Event: EventBegun, Text: strings.TrimSuffix("begins: "+row.Summary, ": ")})
		}
		if row.Ended != nil && row.Started != nil {
			all = append(all, Entry{At: *row.Ended, Step: row.Name, Event: row.State, Text: ending(row)})
		}
		if doing := v.Doing[row.Name]; doing != "" {
			all = append(all, Entry{At: now, Step: row.Name, Event: EventAttempt, Text: doing})
		}
	}
	return all
}

func ending(row board.StepStatus) string {
	text := row.State
	if row.State == board.StateDone {
		text = fmt.Sprintf("done in %.1fs", row.Ended.Sub(*row.Started).Seconds())
	}
	for _, more := range []string{row.Note, row.Error} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

// SortLog brings entries into the order in which they happened.
func SortLog(all []Entry) {
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
}
