package operations

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/decision"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	updatepb "go.temporal.io/api/update/v1"
	"go.temporal.io/sdk/converter"
)

// eventReader turns the events of a history into entries of a log. Events refer to earlier ones.
type eventReader struct {
	client     Client
	operation  Operation
	activities map[int64]*attempts // by the event that scheduled them
	updates    map[int64]string    // steps that decisions are about, by the event that accepted them
	phase      string
}

// attempts are those of one activity.
type attempts struct {
	step, activity string
	scheduled      time.Time
	made           int32
}

func (a *attempts) entry(event, text string) []Entry {
	return []Entry{{Step: a.step, Event: event, Activity: a.activity, Attempt: a.made, Text: text}}
}

// count says how many attempts it took, if that is worth a word.
func (a *attempts) count() string {
	if a.made <= 1 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", a.made)
}

func (r *eventReader) read(e *historypb.HistoryEvent) []Entry {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		return whole(EventStarted, "started by "+r.starter(e.GetWorkflowExecutionStartedEventAttributes()))
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		return r.phaseOf(e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes())
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		a := e.GetWorkflowTaskFailedEventAttributes()
		return whole(EventWorker, fmt.Sprintf("a worker could not go on (%s): %s", a.GetCause(), r.client.Message(a.GetFailure())))
	case enumspb.EVENT_TYPE_TIMER_STARTED:
		if summary := r.summary(e); summary != "" {
			return whole(EventWaits, summary)
		}
		return nil
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
		a := e.GetWorkflowExecutionUpdateAcceptedEventAttributes()
		return r.decision(e.GetEventId(), a.GetAcceptedRequest())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		return r.answer(e.GetWorkflowExecutionUpdateCompletedEventAttributes())
	}
	if entries, is := r.activity(e); is {
		return entries
	}
	return r.end(e)
}

func whole(event, text string) []Entry { return []Entry{{Event: event, Text: text}} }

func (r *eventReader) starter(a *historypb.WorkflowExecutionStartedEventAttributes) string {
	if parent := a.GetParentWorkflowExecution().GetWorkflowId(); parent != "" && r.operation.StartedBy == "" {
		return "workflow " + parent
	}
	return cmp.Or(r.operation.StartedBy, a.GetIdentity(), "somebody unknown")
}

// phaseOf is the entry of a phase that was entered, other than those that the start and the end imply.
func (r *eventReader) phaseOf(attributes *commonpb.SearchAttributes) []Entry {
	payload := attributes.GetIndexedFields()[board.AttributePhase.GetName()]
	phase := ""
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &phase) != nil || phase == r.phase {
		return nil
	}
	before := r.phase
	r.phase = phase
	if before == "" || phase == board.PhaseEnded {
		return nil
	}
	return whole(EventPhase, "phase "+phase)
}

func (r *eventReader) activity(e *historypb.HistoryEvent) (entries []Entry, is bool) {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		a := e.GetActivityTaskScheduledEventAttributes()
		it := &attempts{step: call.StepOf(a.GetActivityId()), activity: a.GetActivityType().GetName(), scheduled: e.GetEventTime().AsTime()}
		if !strings.Contains(a.GetActivityId(), ".") {
			it.step = "" // one that belongs to no step has the SDK's number
		}
		r.activities[e.GetEventId()] = it
		return it.entry(EventScheduled, cmp.Or(r.summary(e), it.activity)), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:
		return r.begun(e.GetActivityTaskStartedEventAttributes()), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		it := r.of(e.GetActivityTaskCompletedEventAttributes().GetScheduledEventId())
		took := e.GetEventTime().AsTime().Sub(it.scheduled)
		return it.entry(EventSucceeded, fmt.Sprintf("%s took %.1fs%s", it.activity, took.Seconds(), it.count())), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		a := e.GetActivityTaskFailedEventAttributes()
		it := r.of(a.GetScheduledEventId())
		return it.entry(EventFailed, fmt.Sprintf("%s failed%s: %s", it.activity, it.count(), r.text(a.GetFailure()))), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		a := e.GetActivityTaskTimedOutEventAttributes()
		it := r.of(a.GetScheduledEventId())
		return it.entry(EventTimedOut, fmt.Sprintf("%s%s: %s", it.activity, it.count(), r.text(a.GetFailure()))), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
		it := r.of(e.GetActivityTaskCancelRequestedEventAttributes().GetScheduledEventId())
		return it.entry(EventCancelling, it.activity+" is told to stop"), true
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
		it := r.of(e.GetActivityTaskCanceledEventAttributes().GetScheduledEventId())
		return it.entry(EventCancelled, it.activity+" stopped"), true
	}
	return nil, false
}

// of never is nil, whatever a history begins with.
func (r *eventReader) of(scheduled int64) *attempts {
	if it := r.activities[scheduled]; it != nil {
		return it
	}
	return &attempts{}
}

// begun takes note of the last attempt, which alone is in the history, with what the one before failed with.
func (r *eventReader) begun(a *historypb.ActivityTaskStartedEventAttributes) []Entry {
	it := r.of(a.GetScheduledEventId())
	it.made = a.GetAttempt()
	if a.GetLastFailure() == nil {
		return nil
	}
	return it.entry(EventAttempt, fmt.Sprintf("attempt %d failed: %s", it.made-1, r.text(a.GetLastFailure())))
}

// text is a failure with what it was caused by, as far as that says more.
func (r *eventReader) text(f *failurepb.Failure) string {
	text := r.client.Message(f)
	if timeout := f.GetTimeoutFailureInfo(); timeout != nil {
		text = "timed out (" + timeout.GetTimeoutType().String() + ")"
		if f.GetCause() == nil && timeout.GetTimeoutType() == enumspb.TIMEOUT_TYPE_HEARTBEAT {
			text += ": its worker sends no heartbeats any more"
		}
	}
	if cause := f.GetCause(); cause != nil && f.GetApplicationFailureInfo() == nil {
		text += ": " + r.text(cause)
	}
	return text
}

// decision is an Update that was accepted, without an environment that came with it.
func (r *eventReader) decision(event int64, request *updatepb.Request) []Entry {
	var input struct {
		Step, By, Reason       string
		Environment, Overrides json.RawMessage
	}
	_ = r.client.DataConverter.FromPayloads(request.GetInput().GetArgs(), &input) // what cannot be read is left out
	r.updates[event] = input.Step
	text := request.GetInput().GetName()
	for _, part := range []struct{ before, text string }{{" ", input.Step}, {" by ", input.By}, {": ", input.Reason}} {
		if part.text != "" {
			text += part.before + part.text
		}
	}
	if len(input.Environment)+len(input.Overrides) > 0 {
		text += " (with a changed environment)"
	}
	return []Entry{{Step: input.Step, Event: EventDecision, Text: text}}
}

func (r *eventReader) answer(a *historypb.WorkflowExecutionUpdateCompletedEventAttributes) []Entry {
	var answer decision.Answer
	if failure := a.GetOutcome().GetFailure(); failure != nil {
		answer.Next = "refused: " + r.text(failure)
	} else if r.client.DataConverter.FromPayloads(a.GetOutcome().GetSuccess(), &answer) != nil || answer.Next == "" {
		return nil
	}
	return []Entry{{Step: cmp.Or(answer.Step, r.updates[a.GetAcceptedEventId()]), Event: EventAnswer, Text: answer.Next}}
}

func (r *eventReader) end(e *historypb.HistoryEvent) []Entry {
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
		a := e.GetWorkflowExecutionCancelRequestedEventAttributes()
		return whole(EventCancelling, strings.TrimSuffix("cancelled by "+cmp.Or(a.GetIdentity(), "somebody unknown")+": "+a.GetCause(), ": "))
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return whole(EventEnded, "done")
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		return whole(EventFailed, r.text(e.GetWorkflowExecutionFailedEventAttributes().GetFailure()))
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return whole(EventTimedOut, "timed out: nothing was undone")
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return whole(EventCancelled, "ended as cancelled")
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		a := e.GetWorkflowExecutionTerminatedEventAttributes()
		return whole(EventEnded, strings.TrimSuffix("terminated by "+cmp.Or(a.GetIdentity(), "somebody unknown")+": "+a.GetReason(), ": "))
	}
	return nil
}

// summary is what the workflow says an activity or timer is for.
func (r *eventReader) summary(e *historypb.HistoryEvent) (text string) {
	if payload := e.GetUserMetadata().GetSummary(); payload != nil {
		_ = r.client.DataConverter.FromPayload(payload, &text) // then its name has to do
	}
	return text
}
