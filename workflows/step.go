package workflows

import (
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"
)

// step is one row of an operation. All its functions are workflow code.
type step struct {
	name    string
	summary string   // one line, shown to operators
	needs   []string // steps that must be done first
	// look records what is there now, for do and undo. Optional.
	look func(workflow.Context) error
	// do makes it so and returns a short note for the board.
	do func(workflow.Context) (note string, err error)
	// undo restores what look saw. It tolerates a do that never happened or happened half. Optional.
	undo func(workflow.Context) error
	// remedy is how an operator does by hand what undo could not. Optional.
	remedy func() string
	// optional says whether the operation goes on without this step, as clean-ups do.
	optional bool
	// spares says whether its failure leaves the steps beside it alone, which are cancelled otherwise. Those that need it never begin. Optional.
	spares func(workflow.Context) bool
	// skippable says why the operation is sound without this step, if an operator decides so. Empty: it is not.
	skippable string
}

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

// runner carries out the steps of one operation.
type runner struct {
	board   *board
	desk    *desk  // where operators decide; nil if they are not asked
	entered []step // in the order they first began, for compensation
	calls   map[string]*calls
	stopped error // the first reason to stop
}

// run carries out the steps, once, or again whenever an operator has changed the environment, and returns when all have ended.
func (r *runner) run(ctx workflow.Context, steps []step) error {
	for {
		r.pass(ctx, steps)
		switch {
		case r.stopped != nil:
			return r.stopped
		case ctx.Err() != nil:
			return ctx.Err()
		case !r.desk.startsOver():
			return nil
		}
		r.desk.startOver(ctx)
	}
}

// pass starts every step as soon as what it needs is done, and returns when all have ended. A reason to stop cancels the steps that
// are under way and keeps the others from beginning, unless the step that failed spares them.
func (r *runner) pass(ctx workflow.Context, steps []step) {
	ctx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	ends := make(map[string]workflow.Future, len(steps))
	for _, s := range steps {
		end, settle := workflow.NewFuture(ctx)
		ends[s.name] = end
		workflow.GoNamed(ctx, s.name, func(ctx workflow.Context) {
			settle.SetError(r.runOne(ctx, cancel, s, ends))
		})
	}
	for _, s := range steps {
		_ = ends[s.name].Get(ctx, nil) // runOne keeps the first reason to stop
	}
}

func (r *runner) runOne(ctx workflow.Context, cancel workflow.CancelFunc, s step, ends map[string]workflow.Future) error {
	for _, need := range s.needs {
		if err := ends[need].Get(ctx, nil); err != nil {
			return errNotRun
		}
	}
	if ctx.Err() != nil || r.desk.startsOver() {
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
	if ctx.Err() == nil && !r.desk.gaveUp() && s.spares != nil && s.spares(ctx) {
		return err
	}
	cancel()
	return err
}

// passGate waits for the approval of a step that must not begin without.
func (r *runner) passGate(ctx workflow.Context, s step) error {
	if !r.desk.guards(s.name) {
		return nil
	}
	r.board.awaiting(ctx, s.name, r.desk.deadline(ctx))
	verdict, err := r.desk.ask(ctx, s.name)
	if verdict != approved {
		r.board.reset(ctx, s.name)
	}
	return err
}

// persist carries a step out until it is done, skipped or given up: where failures pause, an operator decides after each.
func (r *runner) persist(ctx workflow.Context, s step) error {
	for {
		note, err := r.carryOut(ctx, s)
		switch {
		case err == nil:
			r.board.done(ctx, s.name, note)
			return nil
		case errors.Is(err, errAgain):
			r.board.reset(ctx, s.name)
			return errAgain
		case ctx.Err() == nil && r.desk.startsOver():
			r.board.failed(ctx, s.name, err)
			return errAgain
		case ctx.Err() == nil && s.optional:
			r.board.failed(ctx, s.name, err)
			return nil
		case ctx.Err() != nil || !r.desk.pauses():
			r.board.failed(ctx, s.name, err)
			return &stop{text: fmt.Sprintf("step %s failed: %s", s.name, message(err)), cause: err}
		}
		r.board.paused(ctx, s.name, err, r.desk.deadline(ctx))
		switch verdict, why := r.desk.ask(ctx, s.name); verdict {
		case retried:
		case skipped:
			return nil
		default:
			r.board.failed(ctx, s.name, err)
			return why
		}
	}
}

// carryOut looks once, however often the step is tried: what the first look saw is what undo goes back to.
func (r *runner) carryOut(ctx workflow.Context, s step) (string, error) {
	ctx = r.within(ctx, s.name)
	r.board.begin(ctx, s.name)
	if !r.began(s.name) {
		if s.look != nil {
			if err := s.look(ctx); err != nil {
				return "", err
			}
			if r.desk.startsOver() { // what was seen may be of names that the changed environment does not have
				return "", errAgain
			}
		}
		r.entered = append(r.entered, s)
	}
	return s.do(ctx)
}

// began says whether a step has looked and begun to change things, now or in an earlier try.
func (r *runner) began(name string) bool {
	return slices.ContainsFunc(r.entered, func(s step) bool { return s.name == name })
}

// within gives ctx the numbering of a step's activities. Do and undo of a step share it: ids are unique in a workflow.
func (r *runner) within(ctx workflow.Context, name string) workflow.Context {
	if r.calls == nil {
		r.calls = map[string]*calls{}
	}
	if r.calls[name] == nil {
		r.calls[name] = &calls{step: name}
	}
	return workflow.WithValue(ctx, callsKey{}, r.calls[name])
}
