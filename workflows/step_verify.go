package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// verifyStep proves that the environment works.
type verifyStep struct {
	*run
	apiManager *apiManagerStep
	proving    bool // a verification that makes things has begun
	proved     activities.Verification
}

func (s *verifyStep) step() saga.Step {
	return saga.Step{
		Name: step.Verify, Summary: "prove that it works", Do: s.do, Undo: s.undo, Remedy: s.remedy,
		Skippable: "it changes nothing that lasts; what it would have proved is not known",
	}
}

func (s *verifyStep) do(ctx workflow.Context) (string, error) {
	level := s.env.Verify.Level
	s.proved = activities.Verification{}
	if level == config.VerifyNone {
		return "not asked for", nil
	}
	s.proving = s.proving || level != config.VerifyHealth
	o := call.Wait("prove that it works: "+string(level), time.Duration(s.env.Timeouts.Verify))
	var err error
	s.proved, err = call.Get[activities.Verification](ctx, o, a.Verify, s.input())
	return s.proved.Summary, err
}

func (s *verifyStep) undo(ctx workflow.Context) error {
	if !s.proving {
		return nil
	}
	return s.apiManager.undoInside(ctx, "remove what the verification made", func(ctx workflow.Context, o workflow.ActivityOptions) error {
		return call.Do(ctx, o, a.CleanUpVerify, s.input())
	})
}

func (s *verifyStep) input() activities.VerifyInput {
	return activities.VerifyInput{Input: s.trimmed("")}
}

func (s *verifyStep) remedy() string {
	return "delete the APIs in the Publisher and the applications in the Developer portal whose names begin with lockstep-verify-"
}
