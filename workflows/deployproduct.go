package workflows

import (
	"errors"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/internal/cluster"
	"lockstep/workflows/call"
)

// lookRegistration remembers the key manager of the API Manager that is there: without a database of its own it loses it whenever its
// pods are replaced, and what database it had only its own environment file knew. One that does not answer has nothing to lose.
func (d *deployment) lookRegistration(ctx workflow.Context) error {
	if !d.before[activities.APIManager].Exists || d.estranged() {
		return nil
	}
	o := call.Bounded("look for the key manager", 30*time.Second, 3)
	found, err := call.Get[activities.KeyManagerState](ctx, o, a.LookKeyManager, d.trimmed(activities.APIManager))
	if doesNotAnswer(err) {
		workflow.GetLogger(ctx).Info("API Manager does not answer before its upgrade", "error", err)
		return nil
	}
	d.registration = found
	return err
}

// estranged says whether the API Manager that is there cannot know Lockstep: this run had to make its password or its CA anew. All else
// that is made anew comes from the same CA.
func (d *deployment) estranged() bool {
	missing := func(step, secret string) bool {
		return slices.ContainsFunc(d.objects[step], func(object cluster.Snapshot) bool { return !object.Exists && object.Ref.Name == secret })
	}
	return missing("credentials", d.env.CredentialsSecret()) || missing("certificates", d.env.CASecret())
}

// doesNotAnswer tells a product that is not there, hangs or cannot run, from one that answers, and from a worker that was lost.
func doesNotAnswer(err error) bool {
	var app *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &timeout):
		return timeout.TimeoutType() == enumspb.TIMEOUT_TYPE_START_TO_CLOSE
	case errors.As(err, &app):
		return slices.Contains([]string{activities.TypeUnavailable, activities.TypeNotFound, activities.TypeNotReady}, app.Type())
	}
	return false
}

// replaced says whether this run replaced the pods of an API Manager that was there, so that undoing its release replaces them again.
func (d *deployment) replaced() bool {
	return d.before[activities.APIManager].Exists && d.changed[activities.APIManager]
}

// forgets says whether what API Manager was told goes with the release that this run installed.
func (d *deployment) forgets() bool {
	return !d.before[activities.APIManager].Exists && !d.env.KeepsState()
}

// inProduct is an undo by API Manager's own means.
type inProduct func(workflow.Context, workflow.ActivityOptions) error

// undoInProduct leaves to the API Manager of before, once it runs again, what this run's would have to undo: that may be what failed,
// and without a database of its own it forgets what it is told.
func (d *deployment) undoInProduct(ctx workflow.Context, summary string, undo inProduct) error {
	switch {
	case d.forgets():
		return nil
	case d.replaced():
		d.postponed = append(d.postponed, undo)
		return nil
	}
	return undo(ctx, call.UndoNow(summary))
}

func (d *deployment) undoKeyManager(ctx workflow.Context) error {
	if d.replaced() && d.registration.Exists {
		return nil // it is put back with API Manager's release
	}
	return d.undoInProduct(ctx, "put the key manager back", d.restoreKeyManager(d.manager))
}

func (d *deployment) restoreKeyManager(before activities.KeyManagerState) inProduct {
	return func(ctx workflow.Context, o workflow.ActivityOptions) error {
		return call.Do(ctx, o, a.UndoKeyManager, activities.UndoKeyManagerInput{Input: d.trimmed(""), Before: before})
	}
}

func (d *deployment) cleanUpVerify(ctx workflow.Context) error {
	if !d.proving {
		return nil
	}
	return d.undoInProduct(ctx, "remove what the verification made", func(ctx workflow.Context, o workflow.ActivityOptions) error {
		return call.Do(ctx, o, a.CleanUpVerify, d.verifyInput())
	})
}

// undoPostponed goes on where API Manager's release was put back. It gets back the registration that it had before: one that forgets has
// lost it with its pods.
func (d *deployment) undoPostponed(ctx workflow.Context) error {
	todo := d.postponed
	if !d.env.KeepsState() {
		todo = nil
	}
	if d.registration.Exists {
		todo = append(todo, d.restoreKeyManager(d.registration))
	}
	if len(todo) == 0 || !d.replaced() {
		return nil
	}
	in := activities.WaitInput{Input: d.trimmed(""), Component: activities.APIManager, Deployments: d.before[activities.APIManager].Workloads}
	limit := time.Duration(d.env.Timeouts.APIManager)
	if err := call.Do(ctx, call.Wait("wait until the earlier api-manager is ready", limit), a.WaitWorkload, in); err != nil {
		return err
	}
	var errs []error
	for _, one := range todo {
		errs = append(errs, one(ctx, call.Undo("undo in the earlier api-manager")))
	}
	return errors.Join(errs...)
}
