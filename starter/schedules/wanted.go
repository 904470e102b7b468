package schedules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	schedulepb "go.temporal.io/api/schedule/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"lockstep/config"
	"lockstep/config/cron"
	"lockstep/config/operation"
	"lockstep/internal/holder"
	"lockstep/workflows"
)

// CatchUp is how late a run may still begin that was due while Temporal did not run. An operation much later than planned would
// surprise those who planned it.
const CatchUp = 10 * time.Minute

const (
	memoManagedBy = "managedBy"
	managedBy     = "lockstep"
	memoCluster   = "cluster" // for which a schedule's task queue is
	note          = "Managed by Lockstep: `lockstep schedule apply` puts back what is changed here."
)

// wanted is a schedule of an environment file as Temporal takes it.
func (c Client) wanted(env config.Environment, s config.Schedule) (*schedulepb.Schedule, error) {
	action, err := c.action(env, s)
	if err != nil {
		return nil, fmt.Errorf("writing the input of schedule %q: %w", s.Name, err)
	}
	spec := &schedulepb.ScheduleSpec{TimezoneName: s.TimeZone, Jitter: durationpb.New(time.Duration(s.Jitter))}
	if s.Cron == "" {
		spec.Interval = []*schedulepb.IntervalSpec{{Interval: durationpb.New(time.Duration(s.Every))}}
	} else {
		cron, err := cron.Parse(s.Cron)
		if err != nil {
			return nil, fmt.Errorf("cron %q of schedule %q %w", s.Cron, s.Name, err)
		}
		spec.StructuredCalendar = []*schedulepb.StructuredCalendarSpec{calendar(s.Cron, cron)}
	}
	return &schedulepb.Schedule{Spec: spec, Action: action, Policies: policies(), State: &schedulepb.ScheduleState{Notes: note}}, nil
}

func policies() *schedulepb.SchedulePolicies {
	return &schedulepb.SchedulePolicies{OverlapPolicy: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: durationpb.New(CatchUp), PauseOnFailure: true}
}

func (c Client) action(env config.Environment, s config.Schedule) (*schedulepb.ScheduleAction, error) {
	environment := env.Name
	input, err := c.DataConverter.ToPayloads(inputOf(environment, s))
	if err != nil {
		return nil, err
	}
	memo, err := c.memo(holder.MemoStartedBy, "schedule "+s.Name)
	if err != nil {
		return nil, err
	}
	if memo.Fields[memoCluster], err = c.DataConverter.ToPayload(cmp.Or(env.Cluster, config.DefaultCluster)); err != nil {
		return nil, err
	}
	summary, err := c.DataConverter.ToPayload(s.Operation + " of " + environment + " by schedule " + s.Name)
	if err != nil {
		return nil, err
	}
	return &schedulepb.ScheduleAction{Action: &schedulepb.ScheduleAction_StartWorkflow{StartWorkflow: &workflowpb.NewWorkflowExecutionInfo{
		WorkflowId: "schedule/" + environment + "/" + s.Name, WorkflowType: &commonpb.WorkflowType{Name: workflows.TypeScheduled},
		TaskQueue: &taskqueuepb.TaskQueue{Name: c.Clusters.Queue(env.Cluster), Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
		Input:     input, Memo: memo, UserMetadata: &sdkpb.UserMetadata{Summary: summary},
	}}}, nil
}

func (c Client) memo(key, value string) (*commonpb.Memo, error) {
	payload, err := c.DataConverter.ToPayload(value)
	return &commonpb.Memo{Fields: map[string]*commonpb.Payload{key: payload}}, err
}

// inputOf names the environment: the worker reads its file when the schedule is due.
func inputOf(environment string, s config.Schedule) workflows.ScheduledInput {
	row, _ := operation.OfVerb(s.Operation)
	options, overrides := row.Split(s.Options)
	in := workflows.ScheduledInput{Request: workflows.ForName(environment)}
	in.Options = workflows.ScheduledOptions{Operation: s.Operation, Options: options, Schedule: s.Name}
	in.Overrides = overrides
	return in
}

// optionsOf are the options from which [inputOf] made an input.
func optionsOf(in workflows.ScheduledInput) config.Values {
	row, _ := operation.OfVerb(in.Options.Operation)
	return row.Join(in.Options.Options, in.Overrides)
}

func calendar(text string, c cron.Expression) *schedulepb.StructuredCalendarSpec {
	return &schedulepb.StructuredCalendarSpec{Comment: text, Second: ranges([]int{0}), Minute: ranges(c.Minute), Hour: ranges(c.Hour),
		DayOfMonth: ranges(c.DayOfMonth), Month: ranges(c.Month), DayOfWeek: ranges(c.DayOfWeek)}
}

// ranges are sorted values, neighbours in one range.
func ranges(values []int) (all []*schedulepb.Range) {
	for i, value := range values {
		if i > 0 && value == values[i-1]+1 {
			all[len(all)-1].End = int32(value)
			continue
		}
		all = append(all, &schedulepb.Range{Start: int32(value), End: int32(value), Step: 1})
	}
	return all
}

// values are those of ranges, which may have been written by others.
func values(all []*schedulepb.Range) (found []int) {
	for _, r := range all {
		for value := r.GetStart(); value <= max(r.GetEnd(), r.GetStart()); value += max(r.GetStep(), 1) {
			found = append(found, int(value))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// readSpec says when a schedule is due, in the words of an environment file as far as they go.
func readSpec(s *Schedule, spec *schedulepb.ScheduleSpec) {
	s.TimeZone, s.Jitter = spec.GetTimezoneName(), config.Duration(spec.GetJitter().AsDuration())
	calendars, intervals := spec.GetStructuredCalendar(), spec.GetInterval()
	switch {
	case len(calendars) == 1 && len(intervals) == 0 && len(spec.GetExcludeStructuredCalendar()) == 0:
		s.Cron = cronOf(calendars[0])
	case len(calendars) == 0 && len(intervals) == 1 && intervals[0].GetPhase().AsDuration() == 0:
		s.Every = config.Duration(intervals[0].GetInterval().AsDuration())
	default:
		s.Cron = fmt.Sprintf("(%d calendars and %d intervals)", len(calendars), len(intervals))
	}
}

// cronOf is the expression a calendar was made of, unless somebody has changed it since.
func cronOf(c *schedulepb.StructuredCalendarSpec) string {
	is := cron.Expression{Minute: values(c.GetMinute()), Hour: values(c.GetHour()), DayOfMonth: values(c.GetDayOfMonth()), Month: values(c.GetMonth()), DayOfWeek: values(c.GetDayOfWeek())}
	says, err := cron.Parse(c.GetComment())
	if err == nil && fmt.Sprint(is) == fmt.Sprint(says) && len(c.GetYear()) == 0 && slices.Equal(values(c.GetSecond()), []int{0}) {
		return c.GetComment()
	}
	return fmt.Sprintf("(minutes %v, hours %v, days %v, months %v, days of the week %v)", is.Minute, is.Hour, is.DayOfMonth, is.Month, is.DayOfWeek)
}

// Difference is one thing that a file wants otherwise.
type Difference struct {
	Field string `json:"field"`
	Is    string `json:"is"`
	Wants string `json:"wants"`
}

// differences compares what a schedule is with what it should be. Whether it is paused, and why, is not the file's business.
func differences(is Schedule, input workflows.ScheduledInput, now, wants *schedulepb.Schedule, s config.Schedule) (found []Difference) {
	want := Schedule{}
	readSpec(&want, wants.GetSpec())
	wanted := inputOf(is.Environment, s)
	start, wantStart := now.GetAction().GetStartWorkflow(), wants.GetAction().GetStartWorkflow()
	for _, d := range []Difference{
		{"operation", is.Operation, s.Operation},
		{"cron", is.Cron, want.Cron},
		{"every", is.Every.String(), want.Every.String()},
		{"timeZone", is.TimeZone, want.TimeZone},
		{"jitter", is.Jitter.String(), want.Jitter.String()},
		{"options", text(is.Options), text(optionsOf(wanted))},
		{"input", text(input), text(wanted)},
		{"workflow", start.GetWorkflowType().GetName() + " " + start.GetWorkflowId(), wantStart.GetWorkflowType().GetName() + " " + wantStart.GetWorkflowId()},
		{"task queue", start.GetTaskQueue().GetName(), wantStart.GetTaskQueue().GetName()},
		{"policies", policyText(now.GetPolicies()), policyText(wants.GetPolicies())},
	} {
		known := slices.ContainsFunc(found, func(f Difference) bool { return f.Field == "operation" || f.Field == "options" })
		if d.Is != d.Wants && !(d.Field == "input" && known) {
			found = append(found, d)
		}
	}
	return found
}

func policyText(p *schedulepb.SchedulePolicies) string {
	return fmt.Sprintf("overlap %s, catch up within %s, pause on failure %t", p.GetOverlapPolicy(), p.GetCatchupWindow().AsDuration(), p.GetPauseOnFailure())
}

func text(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
