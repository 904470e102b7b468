package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"lockstep/activities"
	"lockstep/config"
	"lockstep/config/step"
	"lockstep/internal/drift"
	"lockstep/workflows/board"
	"lockstep/workflows/call"
	"lockstep/workflows/saga"
)

// keyManagerStep registers Identity Server in API Manager.
type keyManagerStep struct {
	*run
	apiManager *apiManagerStep
	before     activities.KeyManagerState
	registered activities.KeyManager
}

func (s *keyManagerStep) step() saga.Step {
	return saga.Step{
		Name: step.KeyManager, Summary: "register Identity Server as Key Manager",
		Look: s.look, Do: s.do, Undo: s.undo, Remedy: s.remedy,
		Frozen: []saga.Frozen{keyManagerName(), {Path: "apiManager.values.wso2.apim.configurations.databases", Of: databases}},
	}
}

func (s *keyManagerStep) look(ctx workflow.Context) (err error) {
	o := call.Wait("look for the key manager", time.Duration(s.env.Timeouts.KeyManager)) // API Manager has only just started
	s.before, err = call.Get[activities.KeyManagerState](ctx, o, a.LookKeyManager, s.trimmed(""))
	return err
}

func (s *keyManagerStep) do(ctx workflow.Context) (note string, err error) {
	o := call.Wait("register and wait until it can be used", time.Duration(s.env.Timeouts.KeyManager))
	s.registered, err = call.Get[activities.KeyManager](ctx, o, a.RegisterKeyManager, s.trimmed(""))
	return s.registered.Summary, err
}

func (s *keyManagerStep) undo(ctx workflow.Context) error {
	if s.apiManager.replaced() && s.apiManager.registration.Exists {
		return nil // it is put back with API Manager's release
	}
	return s.apiManager.undoInside(ctx, "restore the key manager", restoreKeyManager(s.run, s.before))
}

func (s *keyManagerStep) comparison() compared {
	return compared{step.KeyManager, "compare the registered key manager", s.differ}
}

// differ finds a product that does not answer to be a difference, too.
func (s *keyManagerStep) differ(ctx workflow.Context) ([]drift.Item, error) {
	o := call.Bounded("compare the key manager", time.Minute, 3)
	items, err := call.Get[[]drift.Item](ctx, o, a.DriftKeyManager, s.trimmed(""))
	if doesNotAnswer(err) {
		return []drift.Item{{Object: "key manager " + s.env.KeyManager.Name, Wants: "registered", Is: "cannot be read: " + board.Message(err)}}, nil
	}
	return items, err
}

func restoreKeyManager(r *run, before activities.KeyManagerState) inProduct {
	return func(ctx workflow.Context, o workflow.ActivityOptions) error {
		return call.Do(ctx, o, a.UndoKeyManager, activities.UndoKeyManagerInput{Input: r.trimmed(""), Before: before})
	}
}

func (s *keyManagerStep) remedy() string {
	name, portal := s.env.KeyManager.Name, "https://"+s.env.Hostnames.Management+"/admin"
	if s.before.Exists {
		return fmt.Sprintf("%s, or correct key manager %s in the Admin portal (%s)", redeploy, name, portal)
	}
	return fmt.Sprintf("delete key manager %s in the Admin portal (%s)", name, portal)
}

// databases are those in which API Manager keeps key managers.
func databases(e config.Environment) any {
	at := map[string]any(e.APIManager.Values)
	for _, key := range []string{"wso2", "apim", "configurations"} {
		at, _ = at[key].(map[string]any)
	}
	return at["databases"]
}
