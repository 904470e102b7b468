package workflows

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"lockstep/workflows/workflowstest"
)

// played is what became of an operation that was made of a test's own steps.
type played struct {
	events []string // what began, ended and was undone, in order
	status Status
	err    error
}

// fake is a step that sleeps on the workflow's clock and writes down what happens to it.
func (p *played) fake(name string, took time.Duration, needs ...string) step {
	return step{
		name: name, needs: needs,
		do: func(ctx workflow.Context) (string, error) {
			p.events = append(p.events, "do "+name)
			err := workflow.Sleep(ctx, took)
			return "slept", err
		},
		undo: func(ctx workflow.Context) error {
			p.events = append(p.events, "undo "+name)
			return workflow.Sleep(ctx, time.Second) // fails in a context that is cancelled
		},
	}
}

// failing makes a step's do fail once it has slept.
func failing(s step, err error) step {
	do := s.do
	s.do = func(ctx workflow.Context) (string, error) {
		if _, err := do(ctx); err != nil {
			return "", err
		}
		return "", err
	}
	return s
}

// play carries out the steps as an operation does; a cancelAfter above zero cancels it then.
func (p *played) play(t *testing.T, keep bool, cancelAfter time.Duration, steps ...step) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(workflowstest.Silent{})
	env := unhurried(suite.NewTestWorkflowEnvironment())
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		board, err := newBoard(ctx, "shop", "play", steps)
		if err != nil {
			return err
		}
		r := &runner{board: board}
		defer func() { p.status = board.status }()
		if err := r.run(ctx, steps); err != nil {
			return r.conclude(ctx, err, keep)
		}
		board.close(ctx, OutcomeDone, nil)
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
	if p.status.Outcome != OutcomeDone || p.status.Steps[0].Note != "slept" {
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
	want := map[string]string{"broken": StateUndone, "slow": StateUndone, "after-broken": StateWaiting, "after-slow": StateWaiting}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if took := p.status.Ended.Sub(p.status.Started); took > time.Minute {
		t.Errorf("took %s: the slow step was waited for", took)
	}
	if got := typeOf(p.err); got != TypeRolledBack || !strings.Contains(p.err.Error(), "step broken failed: disk full") {
		t.Errorf("got %s: %v", got, p.err)
	}
}

func TestTheFirstFailureIsTheOneThatIsReported(t *testing.T) {
	var p played
	slow := p.fake("slow", time.Hour)
	do := slow.do
	slow.do = func(ctx workflow.Context) (string, error) {
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
	if p.status.Outcome != OutcomeRolledBack {
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
	want := map[string]string{"one": StateUndone, "two": StateUndone, "three": StateWaiting}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if p.status.Outcome != OutcomeRolledBack || p.status.Error != "cancelled; all that this run did is undone" {
		t.Errorf("outcome %q, error %q", p.status.Outcome, p.status.Error)
	}
}

func TestACancelledOperationEndsAsCancelledThoughAStepFailsAsItStops(t *testing.T) {
	var p played
	untidy := p.fake("untidy", time.Hour)
	do := untidy.do
	untidy.do = func(ctx workflow.Context) (string, error) {
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
	stuck.undo = func(workflow.Context) error { return errors.New("registry refuses to delete") }
	p.play(t, false, 0, p.fake("one", time.Second), stuck,
		failing(p.fake("broken", time.Second, "stuck"), errors.New("no")))
	want := map[string]string{"one": StateUndone, "stuck": StateUndoFailed, "broken": StateUndone}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
	if typeOf(p.err) != TypeFailed || p.status.Outcome != OutcomeFailed {
		t.Errorf("type %q, outcome %q", typeOf(p.err), p.status.Outcome)
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
	if typeOf(p.err) != TypeFailed || p.status.Outcome != OutcomeFailed || !strings.Contains(p.status.Error, "nothing was undone") {
		t.Errorf("type %q, outcome %q, error %q", typeOf(p.err), p.status.Outcome, p.status.Error)
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
	blind.look = func(workflow.Context) error { return errors.New("cannot see") }
	p.play(t, false, 0, p.fake("one", time.Second), blind)
	if diff := cmp.Diff([]string{"do one", "undo one"}, p.events); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{"one": StateUndone, "blind": StateFailed}
	if diff := cmp.Diff(want, p.states()); diff != "" {
		t.Error(diff)
	}
}

func TestAnOptionalStepThatFailsHoldsNothingUp(t *testing.T) {
	var p played
	untidy := failing(p.fake("untidy", time.Second), errors.New("in use"))
	untidy.optional = true
	p.play(t, false, 0, untidy, p.fake("next", time.Second, "untidy"))
	want := map[string]string{"untidy": StateFailed, "next": StateDone}
	if diff := cmp.Diff(want, p.states()); diff != "" || p.err != nil {
		t.Error(diff, p.err)
	}
}

// typeOf is the type of the application error in err.
func typeOf(err error) string {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		return ""
	}
	return app.Type()
}
