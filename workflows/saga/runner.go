package saga

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/board"
	"lockstep/workflows/call"
)

// Ends of the future of a step that is not done.
var (
	errNotRun = errors.New("not run")      // its needs were not met
	errAgain  = errors.New("begins again") // with all others
)

// stop is why an operation ends before its steps are done.
type stop struct {
	text  string
	cause error // optional
}

func (s *stop) Error() string { return s.text }
func (s *stop) Unwrap() error { return s.cause }

// Runner carries out the steps of one operation.
type Runner struct {
	Board *board.Board
	// Decisions are those of operators; nil if they are not asked.
	Decisions *Decisions

	steps   []Step
	entered []Step // in the order they first began, for compensation
	calls   map[string]*call.Numbers
	stopped error // the first reason to stop
}

// New begins an operation on an environment. It fails if the table of steps is wrong.
func New(ctx workflow.Context, environment, operation string, steps []Step) (*Runner, error) {
	if err := Check(steps); err != nil {
		return nil, temporal.NewNonRetryableApplicationError(fmt.Sprintf("%s has a wrong table of steps, which is a fault in Lockstep: %v", operation, err), board.TypeFailed, nil)
	}
	rows := make([]board.StepStatus, len(steps))
	for i, s := range steps {
		rows[i] = board.StepStatus{Name: s.Name, Summary: s.Summary, Needs: s.Needs, State: board.StateWaiting, Skippable: s.Skippable}
	}
	b, err := board.New(ctx, environment, operation, rows)
	return &Runner{Board: b, steps: steps}, err
}

// Run carries out the steps, once, or again whenever an operator has changed the environment, and returns when all have ended.
func (r *Runner) Run(ctx workflow.Context) error {
	for {
		r.pass(ctx)
		switch {
		case r.stopped != nil:
			return r.stopped
		case ctx.Err() != nil:
			return ctx.Err()
		case !r.Decisions.startsOver():
			return nil
		}
		r.Decisions.startOver(ctx)
	}
}

// pass starts every step as soon as what it needs is done, and returns when all have ended. A reason to stop cancels the steps that
// are under way and keeps the others from beginning, unless the step that failed spares them.
func (r *Runner) pass(ctx workflow.Context) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	ends := make(map[string]workflow.Future, len(r.steps))
	for _, s := range r.steps {
		end, finish := workflow.NewFuture(ctx)
		ends[s.Name] = end
		workflow.GoNamed(ctx, s.Name, func(ctx workflow.Context) {
			finish.SetError(r.runOne(ctx, cancel, s, ends))
		})
	}
	for _, s := range r.steps {
		_ = ends[s.Name].Get(ctx, nil) // runOne keeps the first reason to stop
	}
}

func (r *Runner) runOne(ctx workflow.Context, cancel workflow.CancelFunc, s Step, ends map[string]workflow.Future) error {
	for _, need := range s.Needs {
		if err := ends[need].Get(ctx, nil); err != nil {
			return errNotRun
		}
	}
	if ctx.Err() != nil || r.Decisions.startsOver() {
		return errNotRun
	}
	err := r.passGate(ctx, s)
	if err == nil {
		err = r.persist(ctx, s)
	}
	if err == nil || errors.Is(err, errAgain) {
		return err
	}
	if r.stopped == nil {
		r.stopped = err
		if ctx.Err() != nil {
			r.stopped = ctx.Err() // cancelled from outside: what a step says as it stops is not why the operation ends
		}
	}
	if ctx.Err() == nil && !r.Decisions.GaveUp() && s.Spares != nil && s.Spares(ctx) {
		return err
	}
	cancel()
	return err
}

// passGate waits for the approval of a step that must not begin without.
func (r *Runner) passGate(ctx workflow.Context, s Step) error {
	if !r.Decisions.guards(s.Name) {
		return nil
	}
	r.Board.Awaiting(ctx, s.Name, r.Decisions.deadline(ctx))
	verdict, err := r.Decisions.ask(ctx, s.Name)
	if verdict != approved {
		r.Board.Reset(ctx, s.Name)
	}
	return err
}

// persist carries a step out until it is done, skipped or given up: where failures pause, an operator decides after each.
func (r *Runner) persist(ctx workflow.Context, s Step) error {
	for {
		note, err := r.carryOut(ctx, s)
		switch {
		case err == nil:
			r.Board.Done(ctx, s.Name, note)
			return nil
		case errors.Is(err, errAgain):
			r.Board.Reset(ctx, s.Name)
			return errAgain
		case ctx.Err() == nil && r.Decisions.startsOver():
			r.Board.Failed(ctx, s.Name, err)
			return errAgain
		case ctx.Err() == nil && s.Optional:
			r.Board.Failed(ctx, s.Name, err)
			return nil
		case ctx.Err() != nil || !r.Decisions.pauses():
			r.Board.Failed(ctx, s.Name, err)
			return &stop{text: fmt.Sprintf("step %s failed: %s", s.Name, board.Message(err)), cause: err}
		}
		r.Board.Paused(ctx, s.Name, err, r.Decisions.deadline(ctx))
		switch verdict, why := r.Decisions.ask(ctx, s.Name); verdict {
		case retried:
		case skipped:
			return nil
		default:
			r.Board.Failed(ctx, s.Name, err)
			return why
		}
	}
}

// carryOut looks once, however often the step is tried: what the first look saw is what undo goes back to.
func (r *Runner) carryOut(ctx workflow.Context, s Step) (string, error) {
	ctx = r.Within(ctx, s.Name)
	r.Board.Begin(ctx, s.Name)
	if !r.Began(s.Name) {
		if s.Look != nil {
			if err := s.Look(ctx); err != nil {
				return "", err
			}
			if r.Decisions.startsOver() { // what was seen may be of names that the changed environment does not have
				return "", errAgain
			}
		}
		r.entered = append(r.entered, s)
	}
	return s.Do(ctx)
}

// Began says whether a step has looked and begun to change things, now or in an earlier try.
func (r *Runner) Began(name string) bool {
	return slices.ContainsFunc(r.entered, func(s Step) bool { return s.Name == name })
}

// Within gives ctx the numbering of a step's activities. Do and undo of a step share it: ids are unique in a workflow.
func (r *Runner) Within(ctx workflow.Context, name string) workflow.Context {
	if r.calls == nil {
		r.calls = map[string]*call.Numbers{}
	}
	if r.calls[name] == nil {
		r.calls[name] = &call.Numbers{Step: name}
	}
	return call.Numbered(ctx, r.calls[name])
}
