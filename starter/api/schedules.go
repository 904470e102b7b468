package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lockstep/config"
	"lockstep/starter/api/auth"
	"lockstep/starter/schedules"
)

// SchedulePath names the schedule of a request.
type SchedulePath struct {
	EnvironmentPath
	Schedule string `path:"schedule" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"Name of the schedule" example:"nightly"`
}

// ScheduleDetails are a schedule as Temporal has it.
type ScheduleDetails struct {
	schedules.Schedule
	Links ScheduleLinks `json:"links"`
}

// ScheduleLinks lead on.
type ScheduleLinks struct {
	Self string `json:"self" format:"uri-reference"`
	UI   string `json:"ui" format:"uri" doc:"The schedule in the Temporal UI"`
}

// ScheduleAnswer says what follows.
type ScheduleAnswer struct {
	Next string `json:"next" doc:"What happens now"`
}

type schedulesInput struct {
	EnvironmentPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETag that you have already: 304 if it is still current"`
}

type schedulesOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   *Schedules
}

// Schedules are those of an environment.
type Schedules struct {
	Schedules []ScheduleDetails `json:"schedules" nullable:"false"`
}

type scheduleInput struct {
	SchedulePath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"ETag that you have already: 304 if it is still current"`
}

type scheduleOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   *ScheduleDetails
}

type applyInput struct {
	EnvironmentPath
	DryRun  bool   `query:"dryRun" doc:"Only say what would be done; needs the role reader"`
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"ETag of the environment as you saw it: if it has changed since, nothing is done"`
}

type applyOutput struct {
	Body struct {
		DryRun  bool               `json:"dryRun"`
		Changes []schedules.Change `json:"changes" nullable:"false"`
	}
}

type pauseInput struct {
	SchedulePath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for others to see"`
	}
}

type scheduleAnswer struct{ Body ScheduleAnswer }

type triggerOutput struct{ Body schedules.Run }

func (s *Server) scheduleRoutes(api huma.API) {
	const all, one = "/v1/environments/{environment}/schedules", "/v1/environments/{environment}/schedules/{schedule}"
	add := func(method, path, id, summary, text string, status int, refusals ...int) route {
		r := route{method: method, path: path, id: id, tag: "schedules", summary: summary, text: text, status: status, refusals: refusals}
		if method != http.MethodGet {
			r.patience = time.Minute // Temporal takes its time to do what it said it would
		}
		return r
	}
	read := add(http.MethodGet, all, "list-schedules", "List the schedules of an environment", "As Temporal has them.", 0, 404)
	read.also = []int{http.StatusNotModified}
	handle(s, api, read, s.listSchedules)
	handle(s, api, add(http.MethodPut, all, "apply-schedules", "Apply the schedules of an environment's file",
		"Temporal gets the schedules that the file names, and no others. You can repeat it; paused schedules stay paused.", 0, 404, 409, 412), s.applySchedules)
	read = add(http.MethodGet, one, "get-schedule", "Read a schedule", "With its next times and its last runs.", 0, 404)
	read.also = []int{http.StatusNotModified}
	handle(s, api, read, s.getSchedule)
	handle(s, api, add(http.MethodDelete, one, "delete-schedule", "Delete a schedule", "A running operation goes on. The next apply creates the schedule again if the file names it.", 0, 404, 409),
		changeSchedule(s, auth.ChangeSchedule, "delete", "a running operation goes on", func(ctx context.Context, c schedules.Client, in *SchedulePath) error {
			return c.Delete(ctx, in.Environment, in.Schedule)
		}))
	handle(s, api, add(http.MethodPost, one+"/resume", "resume-schedule", "Resume a schedule", "Runs that were due meanwhile are skipped.", 0, 404, 409),
		changeSchedule(s, auth.ChangeSchedule, "resume", "runs that were due meanwhile are skipped", func(ctx context.Context, c schedules.Client, in *SchedulePath) error {
			return c.Resume(ctx, in.Environment, in.Schedule)
		}))
	handle(s, api, add(http.MethodPost, one+"/pause", "pause-schedule", "Pause a schedule", "Until it is resumed.", 0, 404, 409), s.pauseSchedule)
	handle(s, api, add(http.MethodPost, one+"/trigger", "trigger-schedule", "Trigger a schedule", "Runs its operation now, also while it is paused.", http.StatusAccepted, 404, 409), s.triggerSchedule)
}

func (s *Server) schedules(ctx context.Context) schedules.Client {
	return schedules.Client{Client: s.Operations, By: by(ctx)}
}

func (s *Server) schedule(found schedules.Schedule) ScheduleDetails {
	return ScheduleDetails{found, ScheduleLinks{Self: "/v1/environments/" + found.Environment + "/schedules/" + found.Name, UI: s.Operations.ScheduleLink(found.ID())}}
}

func (s *Server) listSchedules(ctx context.Context, in *schedulesInput) (*schedulesOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ReadSchedule, in.Environment); err != nil {
		return nil, err
	}
	found, err := s.schedules(ctx).List(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if err := s.exists(in.Environment); err != nil {
			return nil, err
		}
	}
	body := &Schedules{Schedules: make([]ScheduleDetails, 0, len(found))}
	for _, one := range found {
		body.Schedules = append(body.Schedules, s.schedule(one))
	}
	out := &schedulesOutput{Status: http.StatusOK, ETag: tagOf(body), Body: body}
	if matches(in.IfNoneMatch, out.ETag, true) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

func (s *Server) getSchedule(ctx context.Context, in *scheduleInput) (*scheduleOutput, error) {
	if err := s.Guard.Authorize(ctx, auth.ReadSchedule, in.Environment); err != nil {
		return nil, err
	}
	found, err := s.schedules(ctx).Describe(ctx, in.Environment, in.Schedule)
	if err != nil {
		return nil, err
	}
	body := s.schedule(found)
	out := &scheduleOutput{Status: http.StatusOK, ETag: tagOf(body), Body: &body}
	if matches(in.IfNoneMatch, out.ETag, true) {
		out.Status, out.Body = http.StatusNotModified, nil
	}
	return out, nil
}

// etagLength of a digest in hexadecimal is more than enough to tell answers apart.
const etagLength = 32

// tagOf is the ETag of an answer.
func tagOf(body any) string {
	text, err := json.Marshal(body)
	if err != nil {
		text = []byte(err.Error()) // the answer fails then too
	}
	return `"` + hash(string(text))[:etagLength] + `"`
}

func (s *Server) applySchedules(ctx context.Context, in *applyInput) (out *applyOutput, err error) {
	action, carryOut := auth.ChangeSchedule, s.schedules(ctx).Apply
	if in.DryRun {
		action, carryOut = auth.ReadSchedule, s.schedules(ctx).Plan
	} else {
		defer func() { s.audited(ctx, auth.Change{Action: action, Environment: in.Environment, Detail: "apply"}, err) }()
	}
	if err := s.Guard.Authorize(ctx, action, in.Environment); err != nil {
		return nil, err
	}
	env, err := s.resolve(in.Environment, nil)
	var found config.Problems
	if err != nil && !errors.As(err, &found) {
		return nil, err
	}
	if err := unchanged(in.Environment, in.IfMatch, etag(env, found)); err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return nil, invalid(fmt.Sprintf("environment %q is not valid, and nothing was applied: correct what errors lists", in.Environment), found)
	}
	out = &applyOutput{}
	out.Body.DryRun = in.DryRun
	out.Body.Changes, err = carryOut(ctx, env)
	return out, err
}

// changeSchedule is a handler of a change that needs nothing but the schedule's name.
func changeSchedule(s *Server, action auth.Action, what, next string, do func(context.Context, schedules.Client, *SchedulePath) error) func(context.Context, *SchedulePath) (*scheduleAnswer, error) {
	return func(ctx context.Context, in *SchedulePath) (out *scheduleAnswer, err error) {
		defer func() { s.audited(ctx, in.change(action, what), err) }()
		if err := s.Guard.Authorize(ctx, action, in.Environment); err != nil {
			return nil, err
		}
		return &scheduleAnswer{ScheduleAnswer{next}}, do(ctx, s.schedules(ctx), in)
	}
}

func (in *SchedulePath) change(action auth.Action, what string) auth.Change {
	return auth.Change{Action: action, Environment: in.Environment, Operation: schedules.ID(in.Environment, in.Schedule), Detail: what}
}

func (s *Server) pauseSchedule(ctx context.Context, in *pauseInput) (*scheduleAnswer, error) {
	pause := func(ctx context.Context, c schedules.Client, path *SchedulePath) error {
		return c.Pause(ctx, path.Environment, path.Schedule, in.Body.Reason)
	}
	return changeSchedule(s, auth.ChangeSchedule, fmt.Sprintf("pause; reason %q", in.Body.Reason), "it does nothing until it is resumed", pause)(ctx, &in.SchedulePath)
}

func (s *Server) triggerSchedule(ctx context.Context, in *SchedulePath) (out *triggerOutput, err error) {
	defer func() { s.audited(ctx, in.change(auth.TriggerSchedule, "trigger"), err) }()
	if err := s.Guard.Authorize(ctx, auth.TriggerSchedule, in.Environment); err != nil {
		return nil, err
	}
	if err := s.schedules(ctx).CheckWorker(ctx, in.Environment, in.Schedule); err != nil {
		return nil, err
	}
	run, err := s.schedules(ctx).Trigger(ctx, in.Environment, in.Schedule)
	return &triggerOutput{run}, err
}
