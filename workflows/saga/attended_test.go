package saga

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"lockstep/config"
	"lockstep/config/environments"
	"lockstep/workflows/board"
	"lockstep/workflows/decision"
	"lockstep/workflows/workflowstest"
)

// attended is an operation of a test's own steps whose failures pause and whose operator acts at given times.
type attended struct {
	played
	env     config.Environment
	taken   []string // environments that were taken over, by namespace
	seen    map[time.Duration]board.Status
	answers []string // what the Updates answered, in order
	acts    []act
}

// act is what an operator does at some time after the start.
type act struct {
	at     time.Duration
	update string // empty: cancel
	input  any
}

func attend(approvals ...string) *attended {
	return &attended{seen: map[time.Duration]board.Status{}, env: config.Environment{
		OnFailure: config.OnFailurePause, Approvals: approvals, Timeouts: config.Timeouts{Decision: config.Duration(time.Hour)},
	}}
}

func (p *attended) at(at time.Duration, update string, input any) {
	p.acts = append(p.acts, act{at, update, input})
}

// fails is a step that fails until it was tried that often.
func (p *attended) fails(tries int, s Step) Step {
	do, made := s.Do, 0
	s.Do = func(ctx workflow.Context) (string, error) {
		note, err := do(ctx)
		if made++; err == nil && made <= tries {
			err = fmt.Errorf("%s broke %d", s.Name, made)
		}
		return note, err
	}
	return s
}

func (p *attended) play(t *testing.T, steps ...Step) {
	t.Helper()
	env := workflowstest.Environment()
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		r, err := New(ctx, "shop", "play", steps)
		if err != nil {
			return err
		}
		if err := r.Ask(ctx, p.decisions()); err != nil {
			return err
		}
		defer func() { p.status = r.Board.Status }()
		if err := r.Run(ctx); err != nil {
			err = r.Conclude(ctx, err, false)
			Answered(ctx)
			return err
		}
		r.Board.Close(ctx, board.OutcomeDone, nil)
		Answered(ctx)
		return nil
	}, workflow.RegisterOptions{Name: "Play"})
	for i, one := range p.acts {
		env.RegisterDelayedCallback(func() { p.act(t, env, i, one) }, one.at)
	}
	env.ExecuteWorkflow("Play")
	p.err = env.GetWorkflowError()
}

// decisions take a changed environment over that has a namespace, once it was looked at for a second.
func (p *attended) decisions() Decisions {
	return Decisions{
		Env: &p.env,
		Admit: func(ctx workflow.Context, environment environments.Reference, _ config.Values) (changed config.Environment, err error) {
			text, err := environment.MarshalJSON()
			if err == nil {
				err = json.Unmarshal(text, &changed)
			}
			if err != nil {
				return changed, err
			}
			if changed.Namespace == "" {
				return changed, errors.New("namespace is missing")
			}
			return changed, workflow.Sleep(ctx, time.Second)
		},
		Take: func(changed config.Environment) {
			p.env = changed
			p.taken = append(p.taken, changed.Namespace)
		},
	}
}

func (p *attended) act(t *testing.T, env *testsuite.TestWorkflowEnvironment, id int, one act) {
	answer, err := env.QueryWorkflow(board.QueryStatus)
	if err != nil {
		t.Fatal(err)
	}
	var s board.Status
	if err := answer.Get(&s); err != nil {
		t.Fatal(err)
	}
	p.seen[one.at] = s
	if one.update == "" {
		env.CancelWorkflow()
		return
	}
	say := func(format string, args ...any) { p.answers = append(p.answers, fmt.Sprintf(format, args...)) }
	env.UpdateWorkflow(one.update, fmt.Sprint(id), &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { say("rejected: %s", board.Message(err)) },
		OnComplete: func(result any, err error) {
			if err != nil {
				say("failed: %s", board.Message(err))
				return
			}
			say("%s", result.(decision.Answer).Next)
		},
	}, one.input)
}

// states of a status in the order of its Steps.
func states(s board.Status) (all []string) {
	for _, row := range s.Steps {
		all = append(all, row.Name+" "+row.State)
	}
	return all
}

func (p *attended) wants(t *testing.T, events ...string) {
	t.Helper()
	if diff := cmp.Diff(events, p.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func (p *attended) answered(t *testing.T, texts ...string) {
	t.Helper()
	if len(p.answers) != len(texts) {
		t.Fatalf("answers: %q", p.answers)
	}
	for i, text := range texts {
		if !strings.Contains(p.answers[i], text) {
			t.Errorf("answer %d is %q, want %q in it", i+1, p.answers[i], text)
		}
	}
}

func inline(env config.Environment) *environments.Reference {
	reference := environments.Inline(env)
	return &reference
}
