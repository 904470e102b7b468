package workflows

import (
	"errors"

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
	// optional says whether the operation goes on without this step, as clean-ups do.
	optional bool
}

// errNotRun ends the future of a step whose needs were not met.
var errNotRun = errors.New("not run")

// runner carries out the steps of one operation.
type runner struct {
	board   *board
	entered []step // in the order they began, for compensation
	calls   map[string]*calls
	failed  error  // the first failure
	at      string // the step that failed first
}

// run starts every step as soon as what it needs is done, and returns when all have ended. The first failure cancels
// the steps that are under way and keeps the others from beginning.
func (r *runner) run(ctx workflow.Context, steps []step) error {
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
		_ = ends[s.name].Get(ctx, nil) // runOne keeps the first failure
	}
	if r.failed == nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return r.failed
}

func (r *runner) runOne(ctx workflow.Context, cancel workflow.CancelFunc, s step, ends map[string]workflow.Future) error {
	for _, need := range s.needs {
		if err := ends[need].Get(ctx, nil); err != nil {
			return errNotRun
		}
	}
	if ctx.Err() != nil {
		return errNotRun
	}
	note, err := r.carryOut(ctx, s)
	if err == nil {
		r.board.done(ctx, s.name, note)
		return nil
	}
	r.board.failed(ctx, s.name, err)
	if s.optional && ctx.Err() == nil {
		return nil
	}
	if r.failed == nil {
		r.failed, r.at = err, s.name
		if ctx.Err() != nil {
			r.failed = ctx.Err() // cancelled from outside: what a step says as it stops is not why the operation ends
		}
	}
	cancel()
	return err
}

func (r *runner) carryOut(ctx workflow.Context, s step) (string, error) {
	ctx = r.within(ctx, s.name)
	r.board.begin(ctx, s.name)
	if s.look != nil {
		if err := s.look(ctx); err != nil {
			return "", err
		}
	}
	r.entered = append(r.entered, s)
	return s.do(ctx)
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
