package schedules

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"

	schedulepb "go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"lockstep/config"
	"lockstep/starter/operations"
)

// Action is what [Client.Apply] does to one schedule.
type Action string

// Actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Delete    Action = "delete" // the file no longer names it
	Unchanged Action = "unchanged"
	Foreign   Action = "foreign" // somebody else made it: it is left alone
)

// Change is one schedule and what was done to it, or would be.
type Change struct {
	Name        string       `json:"name"`
	Action      Action       `json:"action"`
	Differences []Difference `json:"differences,omitempty"`

	wants    *schedulepb.Schedule
	schedule config.Schedule
	cluster  config.ClusterName
	now      *current
}

// Plan says what is to be done so that Temporal has the schedules of an environment file and no others of it.
func (c Client) Plan(ctx context.Context, env config.Environment) ([]Change, error) {
	if err := c.Admit(env); err != nil {
		return nil, failed(operations.Invalid, "environment %q: %w", env.Name, err)
	}
	changes := []Change{}
	named := map[string]bool{}
	for _, s := range env.Schedules {
		change, err := c.plan(ctx, env, s)
		if err != nil {
			return nil, err
		}
		changes, named[s.Name] = append(changes, change), true
	}
	ids, err := c.ids(ctx, env.Name)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if named[id.name] {
			continue
		}
		now, err := c.look(ctx, env.Name, id.name)
		if err != nil {
			return nil, err
		}
		if now == nil {
			continue // deleted already
		}
		change := Change{Name: id.name, Action: Delete, now: now}
		if !now.schedule.Managed {
			change.Action = Foreign
		}
		changes = append(changes, change)
	}
	return changes, nil
}

func (c Client) plan(ctx context.Context, env config.Environment, s config.Schedule) (Change, error) {
	change := Change{Name: s.Name, Action: Create, schedule: s, cluster: cmp.Or(env.Cluster, config.DefaultCluster)}
	var err error
	if change.wants, err = c.wanted(env, s); err != nil {
		return change, failed(operations.Invalid, "%w", err)
	}
	if change.now, err = c.look(ctx, env.Name, s.Name); err != nil || change.now == nil {
		return change, err
	}
	if !change.now.schedule.Managed {
		change.Action = Foreign
		return change, nil
	}
	c.keepQueue(ctx, env, change)
	change.Action = Unchanged
	if change.Differences = change.differences(change.now); len(change.Differences) > 0 {
		change.Action = Update
	}
	return change, nil
}

// keepQueue leaves a schedule on its task queue where no file of this machine says that of its cluster: a file of another machine may have said
// it. It moves if the environment is on another cluster now, or if workers listen on the queue of this machine's settings alone.
func (c Client) keepQueue(ctx context.Context, env config.Environment, change Change) {
	another := change.now.cluster != "" && change.now.cluster != change.cluster
	start, wants := change.now.GetSchedule().GetAction().GetStartWorkflow(), change.wants.GetAction().GetStartWorkflow()
	is, here := start.GetTaskQueue().GetName(), wants.GetTaskQueue().GetName()
	if is == "" || is == here || c.Clusters.Says(env.Cluster) || another {
		return
	}
	if c.CheckQueue(ctx, is) != nil && c.CheckQueue(ctx, here) == nil {
		return
	}
	wants.TaskQueue = proto.CloneOf(start.GetTaskQueue())
}

func (c Change) differences(now *current) []Difference {
	found := differences(now.schedule, now.input, now.GetSchedule(), c.wants, c.schedule)
	if now.cluster != c.cluster {
		found = append(found, Difference{"cluster", cmp.Or(string(now.cluster), "not written down"), string(c.cluster)})
	}
	return found
}

// Apply carries out the plan. It may be repeated: what is as it should be stays. An error comes with what was done before it.
func (c Client) Apply(ctx context.Context, env config.Environment) ([]Change, error) {
	changes, err := c.Plan(ctx, env)
	if err != nil {
		return nil, err
	}
	for i, change := range changes {
		switch change.Action {
		case Create:
			err = c.create(ctx, env.Name, change)
		case Update:
			err = c.update(ctx, env.Name, change)
		case Delete:
			err = c.Delete(ctx, env.Name, change.Name)
		}
		if err != nil {
			return changes[:i], err
		}
	}
	return changes, nil
}

func (c Client) create(ctx context.Context, environment string, change Change) error {
	memo, err := c.memo(memoManagedBy, managedBy)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = c.WorkflowService().CreateSchedule(ctx, &workflowservice.CreateScheduleRequest{Namespace: c.Namespace, ScheduleId: ID(environment, change.Name),
		Schedule: change.wants, Memo: memo, Identity: c.By, RequestId: rand.Text()})
	var malformed *serviceerror.InvalidArgument
	var there *serviceerror.WorkflowExecutionAlreadyStarted
	switch {
	case errors.As(err, &malformed):
		return failed(operations.Invalid, "Temporal refuses schedule %q: %w", change.Name, err)
	case errors.As(err, &there):
		return failed(operations.Refused, "somebody else created schedule %q meanwhile: apply again", change.Name)
	case err != nil:
		return unavailable("making schedule %q: %w", change.Name, err)
	}
	return nil
}

// update replaces a schedule unless somebody has changed it since it was looked at. Whether it is paused stays as it is.
func (c Client) update(ctx context.Context, environment string, change Change) error {
	wants := proto.CloneOf(change.wants)
	wants.State = change.now.GetSchedule().GetState()
	request := &workflowservice.UpdateScheduleRequest{Namespace: c.Namespace, ScheduleId: ID(environment, change.Name), Schedule: wants,
		ConflictToken: change.now.GetConflictToken(), Identity: c.By, RequestId: rand.Text()}
	conflict := failed(operations.Refused, "somebody else changed schedule %q at the same time: apply again", change.Name)
	_, err := c.WorkflowService().UpdateSchedule(ctx, request)
	var outdated *serviceerror.FailedPrecondition
	var malformed *serviceerror.InvalidArgument
	switch {
	case errors.As(err, &outdated):
		return conflict
	case errors.As(err, &malformed):
		return failed(operations.Invalid, "Temporal refuses schedule %q: %w", change.Name, err)
	case err != nil:
		return unavailable("changing schedule %q: %w", change.Name, err)
	}
	// Temporal only says that it has heard. An update that came too late is dropped in silence.
	err = settle(ctx, func() (bool, error) {
		now, err := c.find(ctx, environment, change.Name)
		return err == nil && len(change.differences(now)) == 0, err
	})
	if errors.Is(err, errUnsettled) {
		return conflict
	}
	return err
}
