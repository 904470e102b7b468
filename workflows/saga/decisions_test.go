package saga

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

func TestAPausedStepHoldsUpWhatNeedsItAndNothingElse(t *testing.T) {
	p := attend()
	p.at(30*time.Minute, decision.UpdateRetry, decision.RetryStep{By: "oncall", Reason: "the disk was full"})
	p.play(t,
		p.fake("one", time.Second),
		p.fails(1, p.fake("broken", time.Second, "one")),
		p.fake("slow", time.Minute, "one"),
		p.fake("after-slow", time.Second, "slow"),
		p.fake("last", time.Second, "broken", "after-slow"))
	if p.err != nil {
		t.Fatal(p.err)
	}
	p.wants(t, "do one", "do broken", "do slow", "do after-slow", "do broken", "do last")
	s := p.seen[30*time.Minute]
	if s.Phase != board.PhasePaused || s.Steps[1].Error != "broken broke 1" || s.Steps[1].Until.Sub(s.Started) != time.Hour+2*time.Second {
		t.Errorf("while it is paused: %s, %+v", s.Phase, s.Steps[1])
	}
	if diff := cmp.Diff([]string{"one done", "broken paused", "slow done", "after-slow done", "last waiting"}, states(s)); diff != "" {
		t.Error(diff)
	}
	p.answered(t, "step broken is tried again")
	if p.status.Outcome != board.OutcomeDone || p.status.Steps[1].Until != nil || p.status.Steps[1].Error != "" {
		t.Errorf("at the end: %s, %+v", p.status.Outcome, p.status.Steps[1])
	}
	want := []activities.Decision{{At: s.Started.Add(30 * time.Minute), What: decision.UpdateRetry, Step: "broken", By: "oncall", Reason: "the disk was full"}}
	if diff := cmp.Diff(want, p.status.Decisions); diff != "" {
		t.Error(diff)
	}
}

func TestATryThatFailsAgainPausesAgain(t *testing.T) {
	p := attend()
	for minute := range 3 {
		p.at(time.Duration(minute+1)*time.Minute, decision.UpdateRetry, decision.RetryStep{Step: "broken"})
	}
	p.play(t, p.fails(3, p.fake("broken", time.Second)))
	p.wants(t, "do broken", "do broken", "do broken", "do broken")
	if p.err != nil || p.seen[3*time.Minute].Steps[0].Error != "broken broke 3" {
		t.Errorf("%v, %+v", p.err, p.seen[3*time.Minute].Steps)
	}
}

func TestOfSeveralPausedStepsOneIsNamed(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.at(2*time.Minute, decision.UpdateRetry, decision.RetryStep{Step: "lfet"})
	p.at(3*time.Minute, decision.UpdateRetry, decision.RetryStep{Step: "fine"})
	p.at(4*time.Minute, decision.UpdateRetry, decision.RetryStep{Step: "left"})
	p.at(5*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.at(6*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.at(6*time.Minute+30*time.Second, decision.UpdateApprove, decision.Approve{Step: "slow"})
	p.play(t, p.fails(1, p.fake("left", time.Second)), p.fails(1, p.fake("right", time.Second)), p.fake("fine", time.Second), p.fake("slow", time.Hour))
	p.answered(t, "rejected: step is missing: name one of left, right",
		`rejected: there is no step "lfet": name one of left, right`,
		"rejected: step fine is done: name one that is paused: left, right",
		"step left is tried again", "step right is tried again",
		"rejected: no step is paused, the operation is running: `lockstep status shop`",
		"rejected: no step awaits its approval, the operation is running")
	if p.err != nil || len(p.status.Decisions) != 2 {
		t.Errorf("%v, %+v", p.err, p.status.Decisions)
	}
}

func TestOnlyWhatIsMarkedIsSkipped(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "needed", By: "oncall", Reason: "hurry"})
	p.at(2*time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "proof", By: "oncall"})
	p.at(3*time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "proof", Reason: "hurry"})
	p.at(4*time.Minute, decision.UpdateSkip, decision.SkipStep{Step: "proof", By: "oncall", Reason: "the network of the proof is down"})
	p.at(5*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	proof := p.fails(9, p.fake("proof", time.Second))
	proof.Skippable = "it changes nothing"
	p.play(t, p.fails(1, p.fake("needed", time.Second)), proof, p.fake("last", time.Second, "proof"))
	p.answered(t, "rejected: step needed cannot be skipped", "rejected: reason is missing", "rejected: by is missing",
		"goes on without step proof: it changes nothing", "step needed is tried again")
	p.wants(t, "do needed", "do proof", "do last", "do needed")
	if row := p.status.Steps[1]; p.err != nil || row.State != board.StateSkipped || row.Note != "skipped by oncall: the network of the proof is down" || row.Error != "proof broke 1" {
		t.Errorf("%v, %+v", p.err, row)
	}
}

func TestAnOperatorGivesUpAPausedOperation(t *testing.T) {
	p := attend("gated")
	p.at(time.Minute, decision.UpdateRollback, decision.Rollback{By: "oncall", Reason: "it is late"})
	p.play(t, p.fake("one", time.Second), p.fails(9, p.fake("broken", time.Second, "one")), p.fake("slow", time.Hour), p.fake("gated", time.Second, "one"))
	p.wants(t, "do one", "do slow", "do broken", "undo broken", "undo slow", "undo one")
	want := "step broken failed: broken broke 1\nstep gated was not approved\nrolled back by oncall: it is late\nall that this run did is undone"
	if workflowstest.TypeOf(p.err) != board.TypeRolledBack || p.status.Error != want {
		t.Errorf("%s: %q", workflowstest.TypeOf(p.err), p.status.Error)
	}
	if diff := cmp.Diff([]string{"one undone", "broken undone", "slow undone", "gated waiting"}, states(p.status)); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsRolledBackThatDoesNotWait(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateRollback, decision.Rollback{})
	p.play(t, p.fake("slow", time.Hour))
	p.answered(t, "rejected: no step waits for a decision, the operation is running: cancel it with `lockstep cancel shop`")
	if p.err != nil {
		t.Error(p.err)
	}
}

func TestWithoutADecisionInTimeItIsRolledBack(t *testing.T) {
	p := attend("gated")
	p.play(t, p.fake("one", time.Second), p.fails(9, p.fake("broken", time.Minute, "one")))
	if want := "step broken failed: broken broke 1; nobody decided within 1h (timeouts.decision); all that this run did is undone"; p.status.Error != want {
		t.Errorf("%q", p.status.Error)
	}
	p = attend("gated")
	p.play(t, p.fake("one", time.Second), p.fake("gated", time.Second, "one"))
	if want := "step gated was not approved; nobody decided within 1h (timeouts.decision); all that this run did is undone"; p.status.Error != want {
		t.Errorf("%q", p.status.Error)
	}
	p.wants(t, "do one", "undo one")
}

func TestAGateIsPassedWithWhoAndWhy(t *testing.T) {
	p := attend("two")
	p.at(time.Minute, decision.UpdateApprove, decision.Approve{Step: "two", Reason: "the window is open"})
	p.at(2*time.Minute, decision.UpdateApprove, decision.Approve{By: "oncall", Reason: "the window is open"})
	p.at(3*time.Minute, decision.UpdateApprove, decision.Approve{Step: "one", By: "oncall", Reason: "the window is open"})
	p.at(4*time.Minute, decision.UpdateApprove, decision.Approve{Step: "two", By: "oncall", Reason: "the window is open"})
	p.at(5*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.play(t, p.fake("one", time.Second), p.fails(1, p.fake("two", time.Second, "one")), p.fake("three", time.Second, "two"))
	if s := p.seen[time.Minute]; s.Phase != board.PhaseAwaitingApproval || s.Steps[1].State != board.StateAwaitingApproval || s.Steps[1].Until == nil {
		t.Errorf("at the gate: %s, %+v", s.Phase, s.Steps[1])
	}
	p.answered(t, "rejected: by is missing", "rejected: step is missing: name one of two", "rejected: step one is done: name one that awaits its approval: two",
		"step two begins", "step two is tried again") // the same gate is not asked for twice
	p.wants(t, "do one", "do two", "do two", "do three")
	if d := p.status.Decisions; p.err != nil || len(d) != 2 || d[0].What != decision.UpdateApprove || d[0].By != "oncall" || d[0].Reason != "the window is open" {
		t.Errorf("%v, %+v", p.err, d)
	}
}

func TestInAChangedEnvironmentAllIsCarriedOutAgain(t *testing.T) {
	p := attend("gated")
	changed := p.env
	changed.Namespace = "changed"
	looks := 0
	one := p.fake("one", time.Second)
	one.Look = func(workflow.Context) error { looks++; return nil }
	p.at(2*time.Second, decision.UpdateApprove, decision.Approve{Step: "gated", By: "oncall", Reason: "yes"})
	p.at(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(changed)})
	p.at(2*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.at(15*time.Minute, decision.UpdateApprove, decision.Approve{Step: "gated", By: "oncall", Reason: "still yes"})
	p.at(20*time.Minute, decision.UpdateRollback, decision.Rollback{})
	p.play(t, one, p.fails(2, p.fake("broken", time.Second, "one")), p.fake("slow", 10*time.Minute, "one"), p.fake("gated", time.Second, "one"),
		p.fake("after-slow", time.Second, "slow"))
	p.answered(t, "step gated begins", "all steps are carried out again", "rejected: no step is paused", "step gated begins", "what is under way is stopped")
	p.wants(t, "do one", "do broken", "do slow", "do gated", "do one", "do broken", "do slow", "do gated",
		"undo gated", "undo slow", "undo broken", "undo one")
	if looks != 1 || len(p.taken) != 1 {
		t.Errorf("%d looks, taken over: %v", looks, p.taken)
	}
	if s := p.seen[2*time.Minute]; s.Phase != board.PhaseRunning || s.Steps[1].State != board.StateFailed || s.Steps[2].State != board.StateRunning {
		t.Errorf("until what is under way has ended: %s %q", s.Phase, states(s))
	}
	if d := p.status.Decisions; len(d) != 4 || !d[1].Changed {
		t.Errorf("%+v", d)
	}
}

func TestAChangedEnvironmentThatIsRefusedLeavesThePause(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(config.Environment{})})
	p.at(2*time.Minute, decision.UpdateRetry, decision.RetryStep{})
	p.play(t, p.fails(1, p.fake("broken", time.Second)))
	p.answered(t, "failed: the changed environment is refused, and step broken stays paused: namespace is missing", "step broken is tried again")
	if p.err != nil || len(p.taken) != 0 || len(p.status.Decisions) != 1 {
		t.Errorf("%v, %v, %+v", p.err, p.taken, p.status.Decisions)
	}
}

func TestADecisionOutrunsTheCheckOfAChangedEnvironment(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(config.Environment{Namespace: "changed"})}) // checked for a second
	p.at(time.Minute+500*time.Millisecond, decision.UpdateRollback, decision.Rollback{})
	p.play(t, p.fails(1, p.fake("broken", time.Second)))
	p.answered(t, "what is under way is stopped", "failed: no step is paused, the operation is compensating")
	if workflowstest.TypeOf(p.err) != board.TypeRolledBack || len(p.taken) != 0 {
		t.Errorf("%v, %v", p.err, p.taken)
	}
}

func TestWhereFailuresDoNotPauseInTheChangedEnvironmentTheyDoNot(t *testing.T) {
	p := attend()
	p.at(time.Minute, decision.UpdateRetry, decision.RetryStep{Environment: inline(config.Environment{Namespace: "changed", OnFailure: config.OnFailureRollback})})
	p.play(t, p.fails(2, p.fake("broken", time.Second)))
	if workflowstest.TypeOf(p.err) != board.TypeRolledBack || p.status.Error != "step broken failed: broken broke 2; all that this run did is undone" {
		t.Errorf("%v", p.err)
	}
}

func TestACancellationUndoesWhateverItMeets(t *testing.T) {
	changed := &config.Environment{Namespace: "changed", OnFailure: config.OnFailurePause}
	for name, prepare := range map[string]func(*attended){
		"a pause":                  func(*attended) {},
		"a try that was asked for": func(p *attended) { p.at(time.Minute-time.Second/2, decision.UpdateRetry, decision.RetryStep{}) },
		"the check of a changed environment": func(p *attended) {
			p.at(time.Minute-time.Second/2, decision.UpdateRetry, decision.RetryStep{Environment: inline(*changed)})
		},
		"what is waited for before all begins again": func(p *attended) {
			p.at(time.Minute/2, decision.UpdateRetry, decision.RetryStep{Environment: inline(*changed)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := attend("gated")
			prepare(p)
			p.at(time.Minute, "", nil)
			p.play(t, p.fake("one", time.Second), p.fails(9, p.fake("broken", 2*time.Second, "one")), p.fake("gated", time.Second, "one"), p.fake("slow", time.Hour, "one"))
			if !temporal.IsCanceledError(p.err) || p.status.Outcome != board.OutcomeRolledBack || p.status.Error != "cancelled; all that this run did is undone" {
				t.Errorf("%v, %s: %s", p.err, p.status.Outcome, p.status.Error)
			}
			if n := len(p.events); !slices.Equal(p.events[n-3:], []string{"undo slow", "undo broken", "undo one"}) && !slices.Equal(p.events[n-3:], []string{"undo broken", "undo slow", "undo one"}) {
				t.Errorf("%q", p.events)
			}
		})
	}
}

func TestASecondCancellationDoesNotAbandonTheCompensation(t *testing.T) {
	p := attend()
	for _, at := range []time.Duration{time.Minute, time.Minute + time.Second/2, time.Minute + 3*time.Second/2} { // each undo takes a second
		p.at(at, "", nil)
	}
	p.play(t, p.fake("one", time.Second), p.fake("two", time.Hour, "one"))
	p.wants(t, "do one", "do two", "undo two", "undo one")
	if s := p.seen[time.Minute+3*time.Second/2]; s.Phase != board.PhaseCompensating {
		t.Errorf("the last cancellation came while it was %s", s.Phase)
	}
	if diff := cmp.Diff([]string{"one undone", "two undone"}, states(p.status)); diff != "" || !temporal.IsCanceledError(p.err) {
		t.Error(diff, p.err)
	}
}

func TestACancellationDoesNotAbandonTheCompensationOfAFailure(t *testing.T) {
	p := attend()
	p.env.OnFailure = config.OnFailureRollback
	p.at(3*time.Second+time.Second/2, "", nil)
	p.play(t, p.fake("one", time.Second), p.fake("two", time.Second, "one"), p.fails(9, p.fake("broken", time.Second, "two")))
	p.wants(t, "do one", "do two", "do broken", "undo broken", "undo two", "undo one")
	if workflowstest.TypeOf(p.err) != board.TypeRolledBack {
		t.Errorf("%v", p.err)
	}
}
