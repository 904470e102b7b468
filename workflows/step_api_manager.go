package workflows

import (
	"errors"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/internal/failure"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// apiManagerStep is the step of a product that other steps tell something, which it may forget with its pods.
type apiManagerStep struct {
	productStep
	credentials  *credentialsStep
	certificates *certificatesStep
	// registration is the key manager as it was before API Manager was touched, if that loses it with its pods.
	registration activities.KeyManagerState
	postponed    []inProduct // undos that wait for the API Manager of before
}

func (s *apiManagerStep) step() saga.Step {
	row := s.productStep.step()
	row.Look, row.Undo = s.look, s.undo
	row.Frozen = []saga.Frozen{keyManagerName()} // it has been looked for
	return row
}

func (s *apiManagerStep) look(ctx workflow.Context) error {
	if err := s.productStep.look(ctx); err != nil {
		return err
	}
	return s.lookRegistration(ctx)
}

// lookRegistration remembers the key manager of the API Manager that is there: without a database of its own it loses it whenever its
// pods are replaced, and what database it had only its own environment file knew. One that does not answer has nothing to lose.
func (s *apiManagerStep) lookRegistration(ctx workflow.Context) error {
	if !s.before.Exists || s.estranged() {
		return nil
	}
	o := call.Bounded("look for the key manager", 30*time.Second, 3)
	found, err := call.Get[activities.KeyManagerState](ctx, o, a.LookKeyManager, s.trimmed(s.name))
	if doesNotAnswer(err) {
		workflow.GetLogger(ctx).Info("API Manager does not answer before its upgrade", "error", err)
		return nil
	}
	s.registration = found
	return err
}

// estranged says whether the API Manager that is there cannot know Lockstep: this run had to make its password or its CA anew. All else
// that is made anew comes from the same CA.
func (s *apiManagerStep) estranged() bool {
	return s.credentials.lacked(s.env.CredentialsSecret()) || s.certificates.lacked(s.env.CASecret())
}

// doesNotAnswer tells a product that is not there, hangs or cannot run, from one that answers, and from a worker that was lost.
func doesNotAnswer(err error) bool {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE
	}
	return slices.Contains([]failure.Kind{failure.Unavailable, failure.NotFound, failure.NotReady}, call.KindOf(err))
}

// undo goes on with what was postponed once the release is as it was. API Manager gets back the registration that it had before: one that
// forgets has lost it with its pods.
func (s *apiManagerStep) undo(ctx workflow.Context) error {
	if err := s.productStep.undo(ctx); err != nil {
		return err
	}
	todo := s.postponed
	if !s.env.KeepsState() {
		todo = nil
	}
	if s.registration.Exists {
		todo = append(todo, restoreKeyManager(s.run, s.registration))
	}
	if len(todo) == 0 || !s.replaced() {
		return nil
	}
	in := activities.WaitInput{Input: s.trimmed(""), Component: s.name, Deployments: s.before.Workloads}
	if err := call.Do(ctx, call.Wait("wait until the earlier "+s.name+" is ready", s.component(s.name).Timeout), a.WaitWorkload, in); err != nil {
		return err
	}
	var errs []error
	for _, one := range todo {
		errs = append(errs, one(ctx, call.Undo("undo in the earlier "+s.name)))
	}
	return errors.Join(errs...)
}

// inProduct is an undo by API Manager's own means.
type inProduct func(workflow.Context, workflow.ActivityOptions) error

// undoInside leaves to the API Manager of before, once it runs again, what this run's would have to undo: that may be what failed, and
// without a database of its own it forgets what it is told.
func (s *apiManagerStep) undoInside(ctx workflow.Context, summary string, undo inProduct) error {
	switch {
	case s.forgets():
		return nil
	case s.replaced():
		s.postponed = append(s.postponed, undo)
		return nil
	}
	return undo(ctx, call.UndoNow(summary))
}

// replaced says whether this run replaced the pods of an API Manager that was there, so that undoing its release replaces them again.
func (s *apiManagerStep) replaced() bool { return s.before.Exists && s.changed }

// forgets says whether what API Manager was told goes with the release that this run installed.
func (s *apiManagerStep) forgets() bool { return !s.before.Exists && !s.env.KeepsState() }

// keyManagerName is in API Manager's database.
func keyManagerName() saga.Frozen {
	return saga.Frozen{Path: "keyManager.name", Of: func(e config.Environment) any { return e.KeyManager.Name }}
}
