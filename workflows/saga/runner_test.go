package saga

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/board"
	"lockstep/workflows/workflowstest"
)

// played is what became of an operation that was made of a test's own steps.
type played struct {
	events []string // what began, ended and was undone, in order
	status board.Status
	err    error
}

// fake is a step that sleeps on the workflow's clock and writes down what happens to it.
func (p *played) fake(name string, took time.Duration, needs ...string) Step {
	return Step{
		Name: name, Needs: needs,
		Do: func(ctx workflow.Context) (string, error) {
			p.events = append(p.events, "do "+name)
			err := workflow.Sleep(ctx, took)
			return "slept", err
		},
		Undo: func(ctx workflow.Context) error {
			p.events = append(p.events, "undo "+name)
			return workflow.Sleep(ctx, time.Second) // fails in a context that is cancelled
		},
	}
}

// failing makes a step's do fail once it has slept.
func failing(s Step, err error) Step {
	do := s.Do
	s.Do = func(ctx workflow.Context) (string, error) {
		if _, err := do(ctx); err != nil {
			return "", err
		}
		return "", err
	}
	return s
}

// play carries out the steps as an operation does; a cancelAfter above zero cancels it then.
func (p *played) play(t *testing.T, keep bool, cancelAfter time.Duration, steps ...Step) {
	t.Helper()
	env := workflowstest.Environment()
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		r, err := New(ctx, "shop", "play", steps)
		if err != nil {
			return err
		}
		defer func() { p.status = r.Board.Status }()
		if err := r.Run(ctx); err != nil {
			return r.Conclude(ctx, err, keep)
		}
		r.Board.Close(ctx, board.OutcomeDone, nil)
		return nil
	}, workflow.RegisterOptions{Name: "Play"})
	if cancelAfter > 0 {
		env.RegisterDelayedCallback(env.CancelWorkflow, cancelAfter)
	}
	env.ExecuteWorkflow("Play")
	p.err = env.GetWorkflowError()
}

func (p *played) states() map[string]string {
	all := map[string]string{}
	for _, row := range p.status.Steps {
		all[row.Name] = row.State
	}
	return all
}

func TestAStepBeginsWhenWhatItNeedsIsDone(t *testing.T) {
	var p played
	p.play(t, false, 0,
		p.fake("last", time.Second, "left", "right"), // the order of the list does not matter
		p.fake("first", time.Second),
		p.fake("left", 3*time.Second, "first"),
		p.fake("right", time.Second, "first"))
	if p.err != nil {
		t.Fatal(p.err)
	}
	if diff := cmp.Diff([]string{"do first", "do left", "do right", "do last"}, p.events); diff != "" {
		t.Error(diff)
	}
	if took := p.status.Ended.Sub(p.status.Started); took != 5*time.Second {
		t.Errorf("took %s, want the 5s of the longest chain", took)
	}
	if p.status.Outcome != board.OutcomeDone || p.status.Steps[0].Note != "slept" {
		t.Errorf("outcome %q, note %q", p.status.Outcome, p.status.Steps[0].Note)
	}
}

func TestAFailureCancelsWhatIsUnderWayAndKeepsTheRestFromBeginning(t *testing.T) {
	var p played
	p.play(t, false, 0,
		failing(p.fake("broken", time.Second), errors.New("disk full")),
		p.fake("slow", time.Hour),
		p.fake("after-broken", time.Second, "broken"),
		p.fake("after-slow", time.Second, "slow"))
	want := map[string]string{"broken": board.StateUndone, "slow": board.StateUndone, "after-broken": board.StateWaiting, "after-slow": board.StateWaiting}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if took := p.status.Ended.Sub(p.status.Started); took > time.Minute {
		t.Errorf("took %s: the slow step was waited for", took)
	}
	if got := workflowstest.TypeOf(p.err); got != board.TypeRolledBack || !strings.Contains(p.err.Error(), "step broken failed: disk full") {
		t.Errorf("got %s: %v", got, p.err)
	}
}

func TestTheFirstFailureIsTheOneThatIsReported(t *testing.T) {
	var p played
	slow := p.fake("slow", time.Hour)
	do := slow.Do
	slow.Do = func(ctx workflow.Context) (string, error) {
		_, _ = do(ctx)
		return "", errors.New("broke while it was being stopped")
	}
	p.play(t, false, 0, slow, failing(p.fake("broken", time.Second), errors.New("disk full")))
	if !strings.Contains(p.err.Error(), "step broken failed: disk full") {
		t.Error(p.err)
	}
}

func TestUndoGoesBackwardsFromWhatBeganLast(t *testing.T) {
	var p played
	p.play(t, false, 0,
		p.fake("one", time.Second),
		p.fake("long", time.Minute, "one"), // begins before "short" and ends after it
		p.fake("short", time.Second, "one"),
		failing(p.fake("broken", time.Second, "long", "short"), errors.New("no")))
	want := []string{"do one", "do long", "do short", "do broken", "undo broken", "undo short", "undo long", "undo one"}
	if diff := cmp.Diff(want, p.events); diff != "" {
		t.Error(diff)
	}
	if p.status.Outcome != board.OutcomeRolledBack {
		t.Errorf("outcome %q", p.status.Outcome)
	}
}

func TestACancelledOperationIsUndoneAndEndsAsCancelled(t *testing.T) {
	var p played
	p.play(t, false, 90*time.Second,
		p.fake("one", time.Second),
		p.fake("two", time.Hour, "one"),
		p.fake("three", time.Second, "two"))
	if !temporal.IsCanceledError(p.err) {
		t.Errorf("got %v, want a cancellation", p.err)
	}
	if diff := cmp.Diff([]string{"do one", "do two", "undo two", "undo one"}, p.events); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{"one": board.StateUndone, "two": board.StateUndone, "three": board.StateWaiting}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if p.status.Outcome != board.OutcomeRolledBack || p.status.Error != "cancelled; all that this run did is undone" {
		t.Errorf("outcome %q, error %q", p.status.Outcome, p.status.Error)
	}
}

func TestACancelledOperationEndsAsCancelledThoughAStepFailsAsItStops(t *testing.T) {
	var p played
	untidy := p.fake("untidy", time.Hour)
	do := untidy.Do
	untidy.Do = func(ctx workflow.Context) (string, error) {
		_, _ = do(ctx)
		return "", errors.New("connection lost")
	}
	p.play(t, false, time.Minute, untidy)
	if !temporal.IsCanceledError(p.err) {
		t.Errorf("got %v, want a cancellation", p.err)
	}
}

func TestAnUndoThatFailsIsReportedAndTheOthersGoOn(t *testing.T) {
	var p played
	stuck := p.fake("stuck", time.Second, "one")
	stuck.Undo = func(workflow.Context) error { return errors.New("registry refuses to delete") }
	p.play(t, false, 0, p.fake("one", time.Second), stuck,
		failing(p.fake("broken", time.Second, "stuck"), errors.New("no")))
	want := map[string]string{"one": board.StateUndone, "stuck": board.StateUndoFailed, "broken": board.StateUndone}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if workflowstest.TypeOf(p.err) != board.TypeFailed || p.status.Outcome != board.OutcomeFailed {
		t.Errorf("type %q, outcome %q", workflowstest.TypeOf(p.err), p.status.Outcome)
	}
	for _, text := range []string{"step broken failed: no", "stuck: registry refuses to delete"} {
		if !strings.Contains(p.status.Error, text) {
			t.Errorf("%q is not in %q", text, p.status.Error)
		}
	}
}

func TestOnFailureKeepUndoesNothing(t *testing.T) {
	var p played
	p.play(t, true, 0, p.fake("one", time.Second), failing(p.fake("broken", time.Second, "one"), errors.New("no")))
	if diff := cmp.Diff([]string{"do one", "do broken"}, p.events); diff != "" {
		t.Error(diff)
	}
	if workflowstest.TypeOf(p.err) != board.TypeFailed || p.status.Outcome != board.OutcomeFailed || !strings.Contains(p.status.Error, "nothing was undone") {
		t.Errorf("type %q, outcome %q, error %q", workflowstest.TypeOf(p.err), p.status.Outcome, p.status.Error)
	}
}

func TestACancelledOperationIsUndoneAlsoWhenFailuresAreKept(t *testing.T) {
	var p played
	p.play(t, true, time.Minute, p.fake("one", time.Hour))
	if !temporal.IsCanceledError(p.err) || !slices.Contains(p.events, "undo one") {
		t.Errorf("got %v after %v", p.err, p.events)
	}
}

func TestAStepWhoseLookFailedIsNotUndone(t *testing.T) {
	var p played
	blind := p.fake("blind", time.Second, "one")
	blind.Look = func(workflow.Context) error { return errors.New("cannot see") }
	p.play(t, false, 0, p.fake("one", time.Second), blind)
	if diff := cmp.Diff([]string{"do one", "undo one"}, p.events); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{"one": board.StateUndone, "blind": board.StateFailed}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
}

func TestAnOptionalStepThatFailsHoldsNothingUp(t *testing.T) {
	var p played
	untidy := failing(p.fake("untidy", time.Second), errors.New("in use"))
	untidy.Optional = true
	p.play(t, false, 0, untidy, p.fake("next", time.Second, "untidy"))
	want := map[string]string{"untidy": board.StateFailed, "next": board.StateDone}
	if diff := cmp.Diff(want, p.states()); diff != "" || p.err != nil {
		t.Error(diff, p.err)
	}
}
