// Package schedules makes, changes and asks about the Temporal Schedules that carry out operations again and again. The command line
// and the REST API do it alike; what is true is what Temporal says.
package schedules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"lockstep/config"
	"lockstep/starter/operations"
	"lockstep/workflows"
)

// Client asks Temporal about schedules and changes them.
type Client struct {
	operations.Client
	// By is who does it, for others to see.
	By string
}

// Schedule is one as Temporal has it.
type Schedule struct {
	Environment string          `json:"environment"`
	Name        string          `json:"name"`
	Managed     bool            `json:"managed"`             // by Lockstep; another's is left alone
	Operation   string          `json:"operation,omitempty"` // the verb
	Cron        string          `json:"cron,omitempty"`
	Every       config.Duration `json:"every,omitempty"`
	TimeZone    string          `json:"timeZone,omitempty"`
	Jitter      config.Duration `json:"jitter,omitempty"`
	Options     config.Values   `json:"options,omitempty"`
	Paused      bool            `json:"paused"`
	Note        string          `json:"note,omitempty"` // why it is paused, if it is
	Next        []time.Time     `json:"next,omitempty"` // times, the nearest first
	Last        []Run           `json:"runs,omitempty"` // newest first; only of [Client.Describe]
	Skipped     int             `json:"skippedBecauseOneRan,omitempty"`
	Missed      int             `json:"missed,omitempty"` // due while Temporal did not run, longer ago than [CatchUp]
}

// ID is the schedule's id in Temporal.
func (s Schedule) ID() string { return ID(s.Environment, s.Name) }

// ID is the id in Temporal of an environment's schedule.
func ID(environment, name string) string {
	return workflows.CanonicalID(environment) + "/" + name
}

// List are the schedules of an environment, or all if it is empty, in order of their ids. One that was made or deleted a moment ago may
// be missing or there.
func (c Client) List(ctx context.Context, environment string) ([]Schedule, error) {
	ids, err := c.ids(ctx, environment)
	if err != nil {
		return nil, err
	}
	found := []Schedule{}
	for _, id := range ids {
		now, err := c.look(ctx, id.environment, id.name)
		if now == nil && err == nil {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		found = append(found, now.schedule)
	}
	return found, nil
}

// Describe is one schedule with its last runs.
func (c Client) Describe(ctx context.Context, environment, name string) (Schedule, error) {
	now, err := c.find(ctx, environment, name)
	if err != nil {
		return Schedule{}, err
	}
	s := now.schedule
	recent := now.Info.GetRecentActions()
	for i := len(recent) - 1; i >= 0; i-- {
		s.Last = append(s.Last, c.run(ctx, recent[i]))
	}
	if s.Paused && strings.HasPrefix(s.Note, pausedByFailure) {
		for _, run := range s.Last {
			if run.failed {
				s.Note = "paused because the run of " + run.Due.UTC().Format("2006-01-02 15:04:05 MST") + " failed: " + run.Reason
				break
			}
		}
	}
	return s, nil
}

// pausedByFailure begins the note that Temporal writes; the text after it may be encrypted.
const pausedByFailure = "paused due to workflow failure"

// Pause stops a schedule until it is resumed. The reason is for others to see.
func (c Client) Pause(ctx context.Context, environment, name, reason string) error {
	return c.patch(ctx, environment, name, "pausing", func(h client.ScheduleHandle) error {
		return h.Pause(ctx, client.SchedulePauseOptions{Note: "paused by " + c.By + ": " + reason})
	})
}

// Resume lets a schedule go on.
func (c Client) Resume(ctx context.Context, environment, name string) error {
	return c.patch(ctx, environment, name, "resuming", func(h client.ScheduleHandle) error {
		return h.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "resumed by " + c.By})
	})
}

// Delete removes a schedule. What it started goes on.
func (c Client) Delete(ctx context.Context, environment, name string) error {
	return c.patch(ctx, environment, name, "deleting", func(h client.ScheduleHandle) error { return h.Delete(ctx) })
}

// CheckWorker fails if nobody would carry out what a schedule starts.
func (c Client) CheckWorker(ctx context.Context, environment, name string) error {
	now, err := c.find(ctx, environment, name)
	if err != nil {
		return err
	}
	return c.CheckQueue(ctx, now.GetSchedule().GetAction().GetStartWorkflow().GetTaskQueue().GetName())
}

// Trigger has a schedule do now what it does when it is due, also while it is paused.
func (c Client) Trigger(ctx context.Context, environment, name string) (Run, error) {
	before, err := c.own(ctx, environment, name)
	if err != nil {
		return Run{}, err
	}
	id := ID(environment, name)
	if err := c.ScheduleClient().GetHandle(ctx, id).Trigger(ctx, client.ScheduleTriggerOptions{}); err != nil {
		return Run{}, unavailable("triggering schedule %q: %w", id, err)
	}
	var run Run
	err = settle(ctx, func() (bool, error) {
		now, err := c.find(ctx, environment, name)
		switch {
		case err != nil:
			return false, err
		case now.Info.GetOverlapSkipped() > before.Info.GetOverlapSkipped():
			return false, failed(operations.Busy, "schedule %q was not triggered: the run before has not ended; `lockstep schedule describe %s %s` shows it", name, environment, name)
		case now.Info.GetActionCount() == before.Info.GetActionCount():
			return false, nil
		}
		recent := now.Info.GetRecentActions()
		run = c.run(ctx, recent[len(recent)-1])
		return true, nil
	})
	if errors.Is(err, errUnsettled) {
		return run, unavailable("schedule %q was triggered, but Temporal has not begun the run yet; `lockstep schedule describe %s %s` shows when it has", name, environment, name)
	}
	return run, err
}

func (c Client) patch(ctx context.Context, environment, name, doing string, do func(client.ScheduleHandle) error) error {
	if _, err := c.own(ctx, environment, name); err != nil {
		return err
	}
	if err := do(c.ScheduleClient().GetHandle(ctx, ID(environment, name))); err != nil {
		return unavailable("%s schedule %q of environment %q: %w", doing, name, environment, err)
	}
	return nil
}

// own finds a schedule of Lockstep's.
func (c Client) own(ctx context.Context, environment, name string) (*current, error) {
	now, err := c.find(ctx, environment, name)
	if err == nil && !now.schedule.Managed {
		return nil, failed(operations.Refused, "Lockstep did not make schedule %q and does not change it: change it where it comes from, or delete it with "+
			"`temporal schedule delete -s %s`", ID(environment, name), ID(environment, name))
	}
	return now, err
}

// find looks for a schedule that has to be there.
func (c Client) find(ctx context.Context, environment, name string) (*current, error) {
	now, err := c.look(ctx, environment, name)
	if err != nil || now != nil {
		return now, err
	}
	ids, err := c.ids(ctx, environment)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		names = append(names, id.name)
	}
	there := "it has none: write schedules into its file and run `lockstep schedule apply -f FILE`"
	if len(names) > 0 {
		there = "there are " + strings.Join(names, ", ")
	}
	return nil, failed(operations.Unknown, "environment %q has no schedule %q: %s", environment, name, there)
}

// current is a schedule as it is now, with what a change of it needs.
type current struct {
	*workflowservice.DescribeScheduleResponse
	schedule Schedule
	input    workflows.ScheduledInput
	cluster  config.ClusterName // for which it was made; earlier versions of Lockstep did not write that down
}

// look finds a schedule, or nil.
func (c Client) look(ctx context.Context, environment, name string) (*current, error) {
	id := ID(environment, name)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d, err := c.WorkflowService().DescribeSchedule(ctx, &workflowservice.DescribeScheduleRequest{Namespace: c.Namespace, ScheduleId: id})
	var absent *serviceerror.NotFound
	if errors.As(err, &absent) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable("asking Temporal for schedule %q: %w", id, err)
	}
	now := &current{DescribeScheduleResponse: d}
	if memo := d.GetSchedule().GetAction().GetStartWorkflow().GetMemo().GetFields()[memoCluster]; memo != nil && c.DataConverter.FromPayload(memo, &now.cluster) != nil {
		now.cluster = "" // nobody can read it
	}
	managed := d.GetMemo().GetFields()[memoManagedBy] != nil
	if managed {
		if err := c.DataConverter.FromPayloads(d.GetSchedule().GetAction().GetStartWorkflow().GetInput(), &now.input); err != nil {
			return nil, failed(operations.Invalid, "reading the input of schedule %q: %w", id, err)
		}
	}
	now.schedule = Schedule{Environment: environment, Name: name, Managed: managed, Operation: now.input.Options.Operation, Options: optionsOf(now.input),
		Paused: d.GetSchedule().GetState().GetPaused(), Note: d.GetSchedule().GetState().GetNotes(),
		Skipped: int(d.GetInfo().GetOverlapSkipped()), Missed: int(d.GetInfo().GetMissedCatchupWindow())}
	readSpec(&now.schedule, d.GetSchedule().GetSpec())
	for _, next := range d.GetInfo().GetFutureActionTimes() {
		now.schedule.Next = append(now.schedule.Next, next.AsTime())
	}
	return now, nil
}

type identity struct{ environment, name string }

// ids are those of an environment's schedules, or of all.
func (c Client) ids(ctx context.Context, environment string) ([]identity, error) {
	list, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 1000})
	if err != nil {
		return nil, unavailable("asking Temporal for schedules: %w", err)
	}
	var found []identity
	for list.HasNext() {
		entry, err := list.Next()
		if err != nil {
			return nil, unavailable("asking Temporal for schedules: %w", err)
		}
		in, name, ok := strings.Cut(strings.TrimPrefix(entry.ID, workflows.CanonicalID("")), "/")
		if ok && strings.HasPrefix(entry.ID, workflows.CanonicalID("")) && (environment == "" || in == environment) {
			found = append(found, identity{in, name})
		}
	}
	return sorted(found), nil
}

// patience is how long Temporal may take to answer, and to do what it was told.
const patience = 30 * time.Second

var errUnsettled = errors.New("not yet")

// settle asks again until something is so.
func settle(ctx context.Context, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if so, err := is(); so || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errUnsettled
		case <-ticker.C:
		}
	}
}

func failed(kind operations.Kind, format string, args ...any) error {
	return &operations.Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

func unavailable(format string, args ...any) error {
	return failed(operations.Unavailable, format, args...)
}
